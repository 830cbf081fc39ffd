import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { type Finding, type Path, type Problem, show } from "./problem.ts";
import { inPlainWords, yamlHint } from "./yaml-hints.ts";

/** The site document: a YAML 1.2 file whose every value knows its line, with overrides laid over it. */
export interface SiteDocument {
  /** The whole as plain data; undefined when the YAML could not be read. */
  readonly value: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly Problem[];
  /** Gives a finding its place: the line of the value, or of its key, or of what comes nearest above it. */
  locate(finding: Finding): Problem;
  /** A value as it was written, where that differs from what it became: `0012` and not 12. */
  written(path: Path): string | undefined;
}

export interface Overrides {
  /** Named in messages in place of the file, such as `stacks/Pulumi.home.yaml (bramble:overrides)`. */
  readonly source: string;
  readonly value: unknown;
}

/**
 * Reads a site document. Anchors, aliases and merge keys (`<<`) work; duplicate keys, tags and keys that are not plain
 * text are problems. Overrides are merged as RFC 7396 says: mappings deep, everything else replaced, null removes.
 */
export function readDocument(file: string, text: string, overrides?: Overrides): SiteDocument {
  const lines = new LineCounter();
  // Duplicate keys are looked for below, by a set; the library compares each with each.
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const complaints = [...document.errors, ...document.warnings].slice(0, mostSyntaxErrors);
  const problems = complaints.map(
    (error): Problem => ({ ...at(error.pos[0]), ...yamlHint(error.code, error.message) }),
  );
  problems.push(...strictProblems(document, at));
  const read = problems.length > 0 ? undefined : plainData(document, problems, at);
  return {
    value: overrides === undefined || problems.length > 0 ? read : merge(read, overrides.value),
    problems,
    locate: ({ rule, path, at: which = "value", message, hint, other }) => {
      const place = (path: Path) => at(offsetOf(document, path, which));
      const overridden = overrides !== undefined && comesFrom(overrides.value, read, path);
      const where = overridden ? { file: overrides.source, line: 0, column: 0 } : place(path);
      const elsewhere = other === undefined ? "" : ` (line ${place(other).line})`;
      return { ...where, rule, message: message + elsewhere, hint };
    },
    written: (path) => {
      const { node } = find(document, path);
      return isScalar(node) && typeof node.source === "string" ? node.source : undefined;
    },
  };
}

type Place = (offset: number) => { file: string; line: number; column: number };

/** One slip in the syntax can make everything after it an error. */
const mostSyntaxErrors = 20;

/** How often anchors may be used, all in all: enough for a thousand boards, too few to fill the memory. */
const mostAliases = 10_000;

/** The document as plain data; adds to the problems when anchors make it too large. */
function plainData(document: Document, problems: Problem[], at: Place): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases });
  } catch (error) {
    // What was read as YAML can still not be had as data when anchors multiply or merge keys take no mapping.
    if (!(error instanceof Error)) throw error;
    const hint = `use an anchor (&name) only where there is no other in it, at most ${mostAliases} times, and << with mappings`;
    problems.push({ ...at(0), rule: "yaml-alias", message: inPlainWords(error.message), hint });
    return undefined;
  }
}

/** What YAML allows and a site file does not: duplicate keys, keys that are no plain text, tags, unknown anchors. */
function strictProblems(document: Document, at: Place): Problem[] {
  const problems: Problem[] = [];
  const noTag = (node: Node) => {
    if (isAlias(node) || node.tag === undefined) return;
    problems.push({ ...at(startOf(node) ?? 0), ...yamlHint("TAG_RESOLVE_FAILED", `${show(node.tag)} is a tag`) });
  };
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `there is no anchor &${alias.source} above this place`;
      problems.push({ ...at(startOf(alias) ?? 0), ...yamlHint("BAD_ALIAS", message) });
    },
    Scalar: (_, scalar) => noTag(scalar),
    Seq: (_, list) => noTag(list),
    Map(_, map) {
      noTag(map);
      problems.push(...keyProblems(map, at));
    },
  });
  return problems;
}

function keyProblems(map: YAMLMap, at: Place): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const { key } of map.items) {
    const name = keyText(key);
    const offset = startOf(key) ?? startOf(map) ?? 0;
    const first = name === undefined ? undefined : seen.get(name);
    if (name === undefined || name === "__proto__") {
      const message = name === undefined ? "a key must be plain text" : `${show(name)} cannot be a key`;
      problems.push({ ...at(offset), rule: "yaml-key", message, hint: "write `key: value`" });
    } else if (first !== undefined) {
      const message = `${show(name)} stands twice in one mapping (line ${at(first).line})`;
      problems.push({ ...at(offset), rule: "duplicate-key", message, hint: "keep one of them, or rename one" });
    } else seen.set(name, offset);
  }
  return problems;
}

function merge(base: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(isRecord(base) ? Object.entries(base) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/** Whether what stands at a path was said by the overrides and not by the file. */
function comesFrom(overrides: unknown, file: unknown, path: Path): boolean {
  const [over, under] = [depthIn(overrides, path), depthIn(file, path)];
  return over.depth > under.depth || (over.depth === path.length && !isRecord(over.value));
}

/** How many parts of a path exist in some data, and what is there. */
function depthIn(data: unknown, path: Path): { depth: number; value: unknown } {
  let value = data;
  for (const [depth, part] of path.entries()) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return { depth, value };
    value = Reflect.get(value, part);
  }
  return { depth: path.length, value };
}

/** Where to point for a path: a scalar itself, but the key of a mapping or list; else the nearest thing above. */
function offsetOf(document: Document, path: Path, which: "key" | "value"): number {
  const { node, key } = find(document, path);
  const point = (which === "key" || isCollection(node)) && key !== undefined ? key : (node ?? key);
  return startOf(point) ?? startOf(document.contents) ?? 0;
}

interface Found {
  readonly node: unknown;
  readonly key: unknown;
}

/** The node at a path, or the deepest one on the way to it, with its key. */
function find(document: Document, path: Path): Found {
  let found: Found = { node: document.contents, key: undefined };
  for (const part of path) {
    const node = resolved(document, found.node);
    if (isMap(node)) {
      const pair = pairOf(document, node, String(part));
      if (pair === undefined) return found;
      found = { node: pair.value ?? pair.key, key: pair.key };
    } else if (isSeq(node) && typeof part === "number" && node.items[part] !== undefined) {
      found = { node: node.items[part], key: undefined };
    } else return found;
  }
  return found;
}

/** The pair of a key, also one that came in by a merge key. */
function pairOf(document: Document, map: YAMLMap, name: string): Pair | undefined {
  const own = map.items.find((pair) => keyText(pair.key) === name);
  if (own !== undefined) return own;
  const merged = resolved(document, map.items.find((pair) => keyText(pair.key) === "<<")?.value);
  const sources = isSeq(merged) ? merged.items.map((item) => resolved(document, item)) : [merged];
  for (const source of sources) {
    const pair = isMap(source) ? pairOf(document, source, name) : undefined;
    if (pair !== undefined) return pair;
  }
  return undefined;
}

function resolved(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function startOf(node: unknown): number | undefined {
  if (isPair(node)) return startOf(node.key);
  return isNode(node) ? node.range?.[0] : undefined;
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isAlias(node) || isCollection(node);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
