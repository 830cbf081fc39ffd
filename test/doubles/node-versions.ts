import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { env, execPath } from "node:process";
import ts from "typescript";
import { projectRoot } from "../../tools/lib/paths.ts";
import { run } from "../../tools/lib/run.ts";

/**
 * The Nodes of this machine, one of each version, by version: the project's own, and those that are installed.
 * @throws Error when there is only one
 */
export async function nodeVersions(): Promise<ReadonlyMap<string, string>> {
  const folders = [...(env.PATH ?? "").split(delimiter), "/usr/local/bin", "/usr/bin"];
  const paths = [execPath, ...folders.map((folder) => join(folder, "node"))];
  const found = new Map<string, string>();
  for (const path of new Set(paths.filter((path) => existsSync(path)))) {
    const { stdout } = await run([path, "--version"]);
    if (!found.has(stdout.trim())) found.set(stdout.trim(), path);
  }
  if (found.size > 1) return found;
  throw new Error(
    `this machine has only Node ${[...found.keys()]}, and two builds by one Node prove nothing: install another ` +
      "version, for example with apt-get install nodejs",
  );
}

/** Modules of this project as JavaScript, for a Node that is too old to run TypeScript. */
export interface PlainModules {
  /** Where a module of the project lies there. */
  path(module: string): string;
  remove(): Promise<void>;
}

/** Writes modules, and all of the project that they import, as JavaScript into a folder of their own. */
export async function plainModules(...modules: readonly string[]): Promise<PlainModules> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-plain-"));
  const path = (module: string) => join(folder, module.replace(/\.ts$/, ".js"));
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  };
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  const waiting = [...modules];
  const seen = new Set(modules);
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    const { outputText } = ts.transpileModule(await readFile(join(projectRoot, module), "utf8"), {
      compilerOptions: options,
    });
    await mkdir(dirname(path(module)), { recursive: true });
    await writeFile(path(module), outputText);
    const above = dirname(join(projectRoot, module));
    for (const [, imported = ""] of outputText.matchAll(/from "(\.[^"]+)\.js"/g)) {
      const next = relative(projectRoot, resolve(above, `${imported}.ts`));
      if (!seen.has(next)) waiting.push(next);
      seen.add(next);
    }
  }
  return { path, remove: () => rm(folder, { recursive: true }) };
}
