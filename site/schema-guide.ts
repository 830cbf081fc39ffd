import { type Finding, type Path, showPath } from "./problem.ts";
import { jsonSchema } from "./schema.ts";

/** What the schema expects at a place, in words for hints. */

/** The part of JSON Schema that the site's schema uses. */
export interface SchemaNode {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  /** Mappings that are told apart by their `type`. */
  readonly oneOf?: readonly SchemaNode[];
}

let root: SchemaNode | undefined;

/**
 * The schema at a path of the site document; undefined where the schema has nothing.
 * @param document says which of several mappings one is, by its `type`. Without it, only that key is known of them.
 */
export function schemaAt(path: Path, document?: unknown): SchemaNode | undefined {
  root ??= jsonSchema();
  let value = document;
  let node = ofType(root, value);
  for (const part of path) {
    value = valueAt(value, [part]);
    const named: SchemaNode | false | undefined = node?.properties?.[part] ?? node?.additionalProperties;
    node = ofType(typeof part === "number" ? node?.items : named === false ? undefined : named, value);
  }
  return node;
}

/** Of several mappings, the one whose `type` a value has. */
function ofType(node: SchemaNode | undefined, value: unknown): SchemaNode | undefined {
  if (node?.oneOf === undefined) return node;
  const type = valueAt(value, ["type"]);
  const types = node.oneOf.flatMap((one) => one.properties?.type ?? []);
  const one = node.oneOf.find(({ properties }) => properties?.type?.enum?.some((word) => word === type));
  if (one !== undefined) return one;
  const words = types.flatMap((of) => of.enum ?? []);
  return { ...node, type: "object", properties: { type: { ...types[0], enum: words } } };
}

/** What a document has at a path; undefined where it has nothing. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined,
    document,
  );
}

/** The keys a mapping may have; none where the user names the entries. */
export function keysAt(path: Path, document?: unknown): readonly string[] {
  return Object.keys(schemaAt(path, document)?.properties ?? {});
}

/** What kind of value belongs at a place. */
export function kindAt(path: Path, document?: unknown): string {
  return kinds[schemaAt(path, document)?.type ?? ""] ?? "what belongs here";
}

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  object: "keys with values",
  integer: "a whole number",
  boolean: "true or false",
  string: "text",
};

/** What would be right at a place: `a whole number from 1 to 64`, `4GiB for example`. */
export function expectation(path: Path, document?: unknown): string {
  const node = schemaAt(path, document);
  if (node?.enum !== undefined) return `write ${alternatives(node.enum)}`;
  if (node?.type === "integer") return `write a whole number from ${node.minimum ?? 0} to ${node.maximum ?? "any"}`;
  if (node?.type === "boolean") return "write true or false";
  const [example] = node?.examples ?? [];
  const such = example === undefined ? "" : `, such as ${flow(example)}`;
  if (node?.type === "array")
    return `write a list in brackets${such || `, such as [${flow(node.items?.examples?.[0] ?? "…")}]`}`;
  if (node?.type === "object")
    return `write ${node.properties === undefined ? "entries by name" : "keys and values"}${such || ` below it`}`;
  return `write ${such === "" ? "text" : flow(example)}`;
}

/** The finding for a key that is needed and not there. */
export function missingKey(path: Path, document?: unknown): Finding {
  const key = String(path.at(-1));
  const holder = path.length === 1 ? "the site" : showPath(path.slice(0, -1));
  const { description = "", examples = [] } = schemaAt(path, document) ?? {};
  const [sentence = ""] = description.split(/\. |, where/);
  const what = sentence === "" ? "" : ` (${sentence.charAt(0).toLowerCase()}${sentence.slice(1)})`;
  const value = examples.length > 0 ? flow(examples[0]) : expectation(path, document).replace(/^write /, "");
  return { rule: "missing-key", path, message: `${holder} has no ${key}${what}`, hint: `add ${key}: ${value}` };
}

/** A value as one line of YAML. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${key}: ${flow(inner)}`);
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  // In quotes: what YAML would split or take for a number, such as a MAC address or a serial.
  return typeof value === "string" && /[ #:]|^$|^[0-9a-f]{8,}$|^[0-9]+$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}

export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? String(words[0]) : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
