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
import { type Path, type Problem, show } from "./problem.ts";
import { inPlainWords, yamlHint } from "./yaml-hints.ts";

/**
 * One of the documents that a site is laid together from: a YAML 1.2 file whose every value knows its line, or changes
 * that have no lines. Which lies over which is merge.ts's.
 */
export interface Layer {
  /** As messages name it: the path of a file, or `Pulumi.home.yaml, bramble:override`. */
  readonly file: string;
  /** The whole as plain data; undefined when the YAML could not be read. */
  readonly value: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly Problem[];
  /** Whether its places have lines to point at. */
  readonly hasLines: boolean;
  /** Where something stands: the line of the value, or of its key, or of what comes nearest above it. */
  place(path: Path, which?: "key" | "value"): Place;
  /** A value as it was written, where that differs from what it became: `0012` and not 12. */
  written(path: Path): string | undefined;
}

/** From 1, in characters; 0 where there are no lines. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Reads a file as a layer. Anchors, aliases and merge keys (`<<`) work inside it; duplicate keys, tags and keys that are
 * not plain text are problems.
 * @param file its path, as messages shall name it
 */
export function readLayer(file: string, text: string): Layer {
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
  return {
    file,
    value: problems.length > 0 ? undefined : plainData(document, problems, at),
    problems,
    hasLines: true,
    place: (path, which = "value") => at(offsetOf(document, path, which)),
    written: (path) => {
      const { node } = find(document, path);
      return isScalar(node) && typeof node.source === "string" ? node.source : undefined;
    },
  };
}

/** Changes that live in no file of their own, as a layer. @param source what messages name in place of a file */
export function layerOf(source: string, value: unknown): Layer {
  const place = () => ({ file: source, line: 0, column: 0 });
  return { file: source, value, problems: [], hasLines: false, place, written: () => undefined };
}

type Locate = (offset: number) => Place;

/** One slip in the syntax can make everything after it an error. */
const mostSyntaxErrors = 20;

/** How often anchors may be used, all in all: enough for a thousand boards, too few to fill the memory. */
const mostAliases = 10_000;

/** The document as plain data; adds to the problems when anchors make it too large. */
function plainData(document: Document, problems: Problem[], at: Locate): unknown {
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
function strictProblems(document: Document, at: Locate): Problem[] {
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

function keyProblems(map: YAMLMap, at: Locate): Problem[] {
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
