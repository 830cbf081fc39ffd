import { readFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { cwd } from "node:process";
import { parse } from "yaml";
import { type Problem, show } from "../site/problem.ts";
import { readSiteOf, type SiteResult } from "../site/read.ts";
import { readLayers } from "./read-base.ts";

/** What a stack's configuration says about its site. */
export interface StackConfig {
  /** The site file beside the stack file; the stack's name and `.yaml` if not given. */
  readonly site?: string | undefined;
  /** Small changes to the site file for this stack, merged over it. */
  readonly override?: unknown;
}

/** Reads the site of a stack. `folder` is stacks/. Problems name files as seen from the current folder. */
export async function readStack(folder: string, stack: string, config: StackConfig): Promise<SiteResult> {
  const path = siteFile(folder, stack, config);
  if (typeof path !== "string") return refused(path);
  const read = await readLayers(folder, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    return { problem: unreadable(relative(cwd(), path), stack, error) };
  });
  if ("problem" in read) return refused(read.problem);
  if (config.override === undefined) return readSiteOf(read.layers);
  return readSiteOf(read.layers, { source: `Pulumi.${stack}.yaml, bramble:override`, value: config.override });
}

/** The path of a stack's site file, or why the configured one is refused: the site is beside its stack, for review. */
export function siteFile(folder: string, stack: string, config: StackConfig): string | Problem {
  const site = config.site ?? `${stack}.yaml`;
  const path = resolve(folder, site);
  if (path.startsWith(resolve(folder) + sep) && /\.ya?ml$/.test(site) && !site.includes("\0")) return path;
  return {
    ...at(`Pulumi.${stack}.yaml, bramble:site`),
    rule: "bad-site-file",
    message: `${show(site)} is not a .yaml file inside stacks/`,
    hint: `put the site file there and name it as seen from there, such as ${stack}.yaml`,
  };
}

/** The stack's configuration as its file has it, for tools that run without the engine; secrets stay encrypted. */
export async function readStackConfig(folder: string, stack: string): Promise<StackConfig> {
  const text = await readFile(join(folder, `Pulumi.${stack}.yaml`), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const document: { config?: Record<string, unknown> } | null = parse(text);
  const site = document?.config?.["bramble:site"];
  return { site: typeof site === "string" ? site : undefined, override: document?.config?.["bramble:override"] };
}

function unreadable(file: string, stack: string, error: NodeJS.ErrnoException): Problem {
  if (error.code === "ENOENT") {
    return {
      ...at(file),
      rule: "no-site-file",
      message: `there is no such file, and it is to describe the site of stack ${stack}`,
      hint: `write it (npm run bramble -- init ${stack} begins it), or name another: pulumi config set site FILE --stack ${stack}`,
    };
  }
  const hint = "make it a plain file that you may read";
  return { ...at(file), rule: "unreadable-file", message: `it can't be read: ${error.message}`, hint };
}

function at(file: string) {
  return { file, line: 0, column: 0 } as const;
}

function refused(problem: Problem): SiteResult {
  return { ok: false, problems: [problem], warnings: [] };
}
