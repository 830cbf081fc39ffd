import { jsonSchema } from "./schema.ts";

/** The JSON Schemas that editors complete and check site files by. Both are files beside the site files. */

/** The name of the file with partSchema(). */
export const partSchemaFile = "site-part.schema.json";

/** Of a site file: all of a site where it stands for itself, some of it where it has a base. */
export function editorSchema(): Record<string, unknown> {
  const { $schema, title, description, ...whole } = jsonSchema();
  return {
    $schema,
    title,
    description,
    if: { type: "object", required: ["base"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
    then: { $ref: partSchemaFile },
    else: whole,
  };
}

/** Of a file that is a part of a site: nothing is needed, and null takes out what lies below. */
export function partSchema(): Record<string, unknown> {
  const { $schema, title, description, ...whole } = jsonSchema();
  return { $schema, title, description, ...part(whole) };
}

type Node = Readonly<Record<string, unknown>>;

function part({
  required: _,
  default: __,
  oneOf,
  anyOf = oneOf,
  properties,
  additionalProperties,
  ...node
}: Node): Node {
  return {
    ...node,
    // Without what is needed, more than one of several kinds can fit.
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map((kind) => (isNode(kind) ? part(kind) : kind)) }),
    ...(isNode(properties) && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, orNull(inner)])),
    }),
    ...(additionalProperties !== undefined && { additionalProperties: orNull(additionalProperties) }),
  };
}

function orNull(schema: unknown): unknown {
  if (!isNode(schema)) return schema;
  const { type, enum: words, ...inner } = part(schema);
  if (typeof type !== "string") return { anyOf: [part(schema), { type: "null" }] };
  return { ...inner, type: [type, "null"], ...(Array.isArray(words) && { enum: [...words, null] }) };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
