import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { editorSchema, partSchema, partSchemaFile } from "../../site/schema-editor.ts";
import { projectRoot } from "../lib/paths.ts";
import { planSchema } from "../plan/model.ts";
import { siteReference } from "./reference.ts";

/** Files that are made from the schema, by their paths in the project. They are committed, so that editors find them. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["stacks/site.schema.json", json(editorSchema())],
    [`stacks/${partSchemaFile}`, json(partSchema())],
    ["docs/site.md", siteReference()],
    ["docs/plan.schema.json", json(planSchema())],
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes them all. */
export async function writeFiles(): Promise<void> {
  for (const [path, content] of generatedFiles()) await writeFile(join(projectRoot, path), content);
}

/** Those that are not what the schema makes of them now. */
export async function staleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of generatedFiles()) {
    const there = await readFile(join(projectRoot, path), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    if (there !== content) stale.push(path);
  }
  return stale;
}
