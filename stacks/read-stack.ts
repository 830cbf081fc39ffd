import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { readSite, type SiteResult } from "../site/read.ts";

/** What a stack's configuration says about its site. */
export interface StackConfig {
  /** The site file beside the stack file; the stack's name and `.yaml` if not given. */
  readonly site?: string | undefined;
  /** Small changes to the site file for this stack, merged over it. */
  readonly override?: unknown;
}

/** Reads the site of a stack. `folder` is stacks/. */
export async function readStack(folder: string, stack: string, config: StackConfig): Promise<SiteResult> {
  const name = config.site ?? `${stack}.yaml`;
  const file = join(folder, name);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Error(
      `${file} does not exist. It is the description of the site of stack ${stack}: write it (stacks/example.yaml is a ` +
        `start), or name another file by \`pulumi config set site FILE --stack ${stack}\`.`,
    );
  });
  return readSite({
    file,
    text,
    ...(config.override === undefined
      ? {}
      : { overrides: { source: `Pulumi.${stack}.yaml, bramble:override`, value: config.override } }),
  });
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
