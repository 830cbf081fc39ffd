import type * as z from "zod";
import { nearest } from "./nearest.ts";
import { oldModel } from "./old-models.ts";
import { type Finding, list, type Path, show, showPath } from "./problem.ts";
import { partialSiteSchema, type SiteInput, siteSchema } from "./schema.ts";
import { alternatives, expectation, keysAt, kindAt, meantKey, missingKey, schemaAt } from "./schema-guide.ts";

/** A site document held against the schema. */
export interface Checked {
  /** The parts that are well-formed, with defaults; everything when there are no findings. */
  readonly input: SiteInput;
  readonly findings: readonly Finding[];
  /** Sections of the document from which something had to be left out. */
  readonly incomplete: ReadonlySet<string>;
}

/**
 * Holds a document against the schema. A board, cluster or user with a mistake is left out of the answer, so that the
 * rules can still look at everything else.
 * @param written the text of a value in the file, where it is known.
 */
export function checkSchema(document: unknown, written: (path: Path) => string | undefined): Checked {
  const whole = siteSchema.safeParse(document);
  if (whole.success) return { input: whole.data, findings: [], incomplete: new Set() };

  const findings = whole.error.issues.flatMap((issue) => explain(issue, document, written));
  const incomplete = new Set<string>();
  const rest = structuredClone(document);
  for (const issue of whole.error.issues) leaveOut(rest, issue, incomplete);
  const remains = partialSiteSchema.safeParse(rest);
  if (remains.success) return { input: remains.data, findings, incomplete };
  // A document that is no mapping at all; nothing remains of it.
  return { input: {}, findings, incomplete: new Set(keysAt([])) };
}

type Issue = z.core.$ZodIssue;

/** Sections whose entries stand for themselves: one with a mistake does not spoil its neighbours. */
const sectionsOfEntries: readonly unknown[] = ["boards", "clusters", "users"];

function leaveOut(document: unknown, issue: Issue, incomplete: Set<string>): void {
  const path = pathOf(issue);
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) remove(document, [...path, key]);
    return;
  }
  const [section] = path;
  if (section === undefined) return;
  incomplete.add(String(section));
  remove(document, path.slice(0, sectionsOfEntries.includes(section) ? 2 : 1));
}

function remove(document: unknown, path: Path): void {
  const parent = valueAt(document, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof parent === "object" && parent !== null && key !== undefined) Reflect.deleteProperty(parent, key);
}

function explain(issue: Issue, document: unknown, written: (path: Path) => string | undefined): Finding[] {
  const path = pathOf(issue);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key));
    case "invalid_key":
      return issue.issues.map((inner) => ({ ...custom(inner, path), at: "key" as const }));
    case "custom":
      return [custom(issue, path)];
    case "invalid_value":
      return [unknownWord(path, valueAt(document, path), issue.values.map(String))];
    case "too_small":
      return outOfRange(path, valueAt(document, path), `at least ${issue.minimum}`, ["small", "short"]);
    case "too_big":
      return outOfRange(path, valueAt(document, path), `at most ${issue.maximum}`, ["large", "long"]);
    default:
      return [wrongType(path, valueAt(document, path), written(path))];
  }
}

function custom(issue: Issue, path: Path): Finding {
  const params: Record<string, unknown> = issue.code === "custom" ? (issue.params ?? {}) : {};
  const { rule, hint } = params;
  return {
    rule: typeof rule === "string" ? rule : "bad-value",
    path,
    message: `${path.length > 0 ? `${showPath(path.slice(0, -1))}: `.replace(/^: /, "") : ""}${issue.message}`,
    hint: typeof hint === "string" ? hint : expectation(path),
  };
}

function unknownKey(path: Path, key: string): Finding {
  const meant = meantKey(path, key);
  const where = path.length === 0 ? "a site file" : showPath(path);
  const keys = `the keys here are ${list(keysAt(path), 20)}`;
  return {
    rule: "unknown-key",
    path: [...path, key],
    at: "key",
    message: `${where} has no key ${show(key)}`,
    hint: meant === undefined ? keys : `did you mean ${meant}? (${keys})`,
    ...(meant === undefined ? {} : { suggests: [...path, meant] }),
  };
}

function unknownWord(path: Path, value: unknown, words: readonly string[]): Finding {
  if (value === undefined) return missingKey(path);
  const refusal = path.at(-1) === "model" ? oldModel(value) : undefined;
  if (refusal !== undefined) return { rule: "unsupported-model", path, ...refusal };
  const meant = typeof value === "string" ? nearest(value, words) : undefined;
  const hint = `${meant === undefined ? "" : `did you mean ${meant}? `}write ${alternatives(words)}`;
  return { rule: "unknown-word", path, message: `${showPath(path)}: ${show(value)} is not known`, hint };
}

function outOfRange(
  path: Path,
  value: unknown,
  limit: string,
  [ofNumber, ofList]: readonly [string, string],
): Finding[] {
  const rule = "out-of-range";
  if (Array.isArray(value)) {
    const message = `${showPath(path)}: a list of ${value.length} is too ${ofList}`;
    return [{ rule, path, message, hint: `give it ${limit} ${limit.endsWith(" 1") ? "entry" : "entries"}` }];
  }
  // Of a text in place of a list, zod also says that it is too long.
  if (typeof value !== "number") return [];
  return [{ rule, path, message: `${showPath(path)}: ${value} is too ${ofNumber}`, hint: `use ${limit}` }];
}

function wrongType(path: Path, value: unknown, source: string | undefined): Finding {
  if (value === undefined) return missingKey(path);
  const place = path.length === 0 ? "the site file" : showPath(path);
  if (value === null) {
    const hint = `${expectation(path)}, or remove the key`;
    return { rule: "wrong-type", path, message: `${place} has no value`, hint };
  }
  const said = source === undefined || typeof value === "string" ? show(value) : show(source).slice(1, -1);
  const pattern = schemaAt(path)?.pattern;
  // 10000000 is a number to YAML, and so is 1e234567: both are good serials once they are in quotes.
  const quotes = typeof value === "number" && pattern !== undefined && new RegExp(pattern).test(said);
  const hint = quotes ? `put it in quotes, or YAML takes it for a number: "${said}"` : expectation(path);
  return { rule: "wrong-type", path, message: `${place} is ${said}, not ${kindAt(path)}`, hint };
}

function pathOf(issue: Issue): Path {
  return issue.path.map((part) => (typeof part === "number" ? part : String(part)));
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined,
    document,
  );
}
