import { vcpusPerCore } from "../../site/placement.ts";
import { flow, type SchemaNode, schemaAt } from "../../site/schema-guide.ts";

/** docs/site.md: every key of the site file in tables, made from the schema. */
export function siteReference(): string {
  const root = schemaAt([]);
  if (root === undefined) throw new Error("the schema has no root");
  return [introduction, ...sections("", root, new Map()), placement].join("\n");
}

const introduction = `<!-- Made by \`npm run bramble -- schema --write\` from site/schema.ts. Edit that, not this. -->
# The site file

A stack describes one site, in a file beside its stack file: \`stacks/home.yaml\` for the stack \`home\`.
[stacks/example.yaml](../stacks/example.yaml) is a whole one, and
[stacks/example-boot.yaml](../stacks/example-boot.yaml) has boards that boot over the network. Begin yours with this line, and editors that know YAML
complete and explain the keys:

\`\`\`yaml
# yaml-language-server: $schema=./site.schema.json
\`\`\`

\`npm run bramble -- check stacks/home.yaml\` says everything that is wrong with it, in a second and without touching
anything. Amounts are whole numbers of \`MiB\`, \`GiB\` or \`TiB\`, times of \`s\`, \`m\`, \`h\` or \`d\`. Names are lower-case
letters, digits and hyphens. Serials want quotes: without them, YAML takes some for numbers. Anchors and merge keys
(\`<<\`) work, within one file. A file can say only what differs from another (\`base\`), and \`bramble:override\` in the
stack file is laid over both: [environments](environments.md) has the rules.
`;

const placement = `## Which VM runs where

A VM without \`host\` or \`hosts\` is placed so that the VMs of a worker group are spread over as many hosts as there
are, larger hosts taking more of different groups. While there is room, adding a VM, a group or a cluster moves no VM
that exists; a new host takes over a small share. \`npm run bramble -- check --why FILE\` says where each VM goes and why.

Memory and disk of a host are never promised twice; \`reserve\` is left out of the count. Of virtual processors a host
may promise ${vcpusPerCore} per core, but one VM has at most as many as the host has cores.
`;

/** A table for an object, then one for each object below it. Where it has the keys of an earlier one, that is said. */
function sections(path: string, node: SchemaNode, earlier: Map<string, string>): string[] {
  const keys = JSON.stringify(node.properties);
  const same = earlier.get(keys);
  if (same !== undefined)
    return [`## \`${path}\``, "", `${node.description ?? ""}. The keys are those of \`${same}\`.`, ""];
  earlier.set(keys, path);
  const entries = Object.entries(node.properties ?? {});
  const needed = new Set(node.required ?? []);
  const title = path === "" ? "Top level" : `\`${path}\``;
  const rows = entries.map(([key, value]) => row(key, value, needed.has(key)));
  const table = ["| Key | Value | Default | What it is |", "|---|---|---|---|", ...rows];
  const below = entries.flatMap(([key, value]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    if (value.properties !== undefined) return sections(inner, value, earlier);
    const entry = value.additionalProperties || undefined;
    if (entry?.oneOf !== undefined) return entry.oneOf.flatMap((one) => ofType(`${inner}.NAME`, one, earlier));
    return entry?.properties ? sections(`${inner}.NAME`, entry, earlier) : [];
  });
  return [`## ${title}`, "", `${node.description ?? ""}.`, "", ...table, "", ...below];
}

/** The sections of one of several kinds, whose first title says which. */
function ofType(path: string, node: SchemaNode, earlier: Map<string, string>): string[] {
  const type = node.properties?.type?.enum?.[0] ?? "";
  const [title = "", ...rest] = sections(path, node, earlier);
  return [`${title} of type \`${type}\``, ...rest];
}

function row(key: string, node: SchemaNode, needed: boolean): string {
  const fallback = needed ? "needed" : node.default === undefined ? "" : `\`${flow(node.default)}\``;
  const cells = [`\`${key}\``, kind(node), fallback, node.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function kind(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((word) => `\`${word}\``).join(", ");
  if (node.type === "integer") return `${node.minimum} to ${node.maximum}`;
  if (node.type === "boolean") return "`true`, `false`";
  if (node.type === "array")
    return `list, such as \`${flow(node.examples?.[0] ?? [node.items?.examples?.[0] ?? "…"])}\``;
  if (node.type === "object") return node.properties === undefined ? "entries by name, see below" : "see below";
  const [example] = node.examples ?? [];
  return example === undefined ? "text" : `such as \`${flow(example)}\``;
}
