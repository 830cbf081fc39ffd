import type * as z from "zod";
import { nearest } from "./nearest.ts";
import { oldModel } from "./old-models.ts";
import { type Finding, list, type Path, show, showPath } from "./problem.ts";
import { partialSiteSchema, type SiteInput, siteSchema } from "./schema.ts";
import { alternatives, expectation, keysAt, kindAt, missingKey, schemaAt, valueAt } from "./schema-guide.ts";
import { keyOfBramble } from "./schema-k3s-config.ts";

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

  const untyped = whole.error.issues.filter(({ code }) => code === "invalid_union");
  const guessed = withTypes(document, untyped);
  const issues = untyped.length === 0 ? whole.error.issues : (siteSchema.safeParse(guessed).error?.issues ?? []);
  const findings = [
    ...untyped.flatMap((issue) => explain(issue, document, written)),
    ...issues.filter(({ code }) => code !== "invalid_union").flatMap((issue) => explain(issue, guessed, written)),
  ];
  const incomplete = new Set<string>();
  const rest = structuredClone(document);
  for (const issue of [...untyped, ...issues]) leaveOut(rest, issue, incomplete);
  const remains = partialSiteSchema.safeParse(rest);
  if (remains.success) return { input: remains.data, findings, incomplete };
  // A document that is no mapping at all; nothing remains of it.
  return { input: {}, findings, incomplete: new Set(keysAt([])) };
}

type Issue = z.core.$ZodIssue;

/** The document as it would be with the types that were probably meant, so that what else is wrong can be told too. */
function withTypes(document: unknown, untyped: readonly Issue[]): unknown {
  if (untyped.length === 0) return document;
  const guessed = structuredClone(document);
  for (const path of untyped.map(pathOf)) {
    const value = valueAt(guessed, path);
    const holder = valueAt(guessed, path.slice(0, -1));
    const meant = typeof value === "string" ? nearest(value, schemaAt(path, document)?.enum ?? []) : undefined;
    if (meant !== undefined && typeof holder === "object" && holder !== null)
      Reflect.set(holder, path.at(-1) ?? "", meant);
  }
  return guessed;
}

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
      return issue.keys.map((key) => unknownKey(path, key, document));
    case "invalid_key":
      return issue.issues.map((inner) => ({ ...custom(inner, path, document), at: "key" as const }));
    case "custom":
      return [custom(issue, path, document)];
    case "invalid_value":
      return [unknownWord(path, document, issue.values.map(String))];
    // A mapping whose type is missing or none that there is.
    case "invalid_union":
      return [unknownWord(path, document, schemaAt(path, document)?.enum ?? [])];
    case "too_small":
      return outOfRange(path, valueAt(document, path), `at least ${issue.minimum}`, ["small", "short"]);
    case "too_big":
      return outOfRange(path, valueAt(document, path), `at most ${issue.maximum}`, ["large", "long"]);
    default:
      return [wrongType(path, document, written(path))];
  }
}

function custom(issue: Issue, path: Path, document: unknown): Finding {
  const params: Record<string, unknown> = issue.code === "custom" ? (issue.params ?? {}) : {};
  const { rule, hint } = params;
  return {
    rule: typeof rule === "string" ? rule : "bad-value",
    path,
    message: `${path.length > 0 ? `${showPath(path.slice(0, -1))}: `.replace(/^: /, "") : ""}${issue.message}`,
    hint: typeof hint === "string" ? hint : expectation(path, document),
  };
}

function unknownKey(path: Path, key: string, document: unknown): Finding {
  const where = path.length === 0 ? "a site file" : showPath(path);
  const ours = path.at(-2) === "config" ? keyOfBramble(key) : undefined;
  if (ours !== undefined)
    return {
      rule: "key-of-bramble",
      path: [...path, key],
      at: "key",
      message: `${where}: ${ours.message}`,
      hint: ours.hint,
    };
  const known = keysAt(path, document);
  const meant = nearest(key, known);
  const keys = `the keys here are ${list(known, 20)}`;
  return {
    rule: "unknown-key",
    path: [...path, key],
    at: "key",
    message: `${where} has no key ${show(key)}`,
    hint: meant === undefined ? keys : `did you mean ${meant}? (${keys})`,
    ...(meant === undefined ? {} : { suggests: [...path, meant] }),
  };
}

function unknownWord(path: Path, document: unknown, words: readonly string[]): Finding {
  const value = valueAt(document, path);
  if (value === undefined) return missingKey(path, document);
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

function wrongType(path: Path, document: unknown, source: string | undefined): Finding {
  const value = valueAt(document, path);
  if (value === undefined) return missingKey(path, document);
  const place = path.length === 0 ? "the site file" : showPath(path);
  if (value === null) {
    const hint = `${expectation(path, document)}, or remove the key`;
    return { rule: "wrong-type", path, message: `${place} has no value`, hint };
  }
  const said = source === undefined || typeof value === "string" ? show(value) : show(source).slice(1, -1);
  const pattern = schemaAt(path, document)?.pattern;
  // 10000000 is a number to YAML, and so is 1e234567: both are good serials once they are in quotes. So is true a label.
  const quotes =
    (typeof value === "number" || typeof value === "boolean") &&
    pattern !== undefined &&
    new RegExp(pattern).test(said);
  const hint = quotes
    ? `put it in quotes, or YAML takes it for ${typeof value === "number" ? "a number" : "true or false"}: "${said}"`
    : expectation(path, document);
  return { rule: "wrong-type", path, message: `${place} is ${said}, not ${kindAt(path, document)}`, hint };
}

function pathOf(issue: Issue): Path {
  return issue.path.map((part) => (typeof part === "number" ? part : String(part)));
}
