import { readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { siteKeyFiles } from "../../components/key-files.ts";
import { keyFolder, writeKeyFiles } from "../../providers/transport/key-files.ts";
import { type SiteKeys, siteId, siteKeys } from "../../site/keys.ts";
import type { Site } from "../../site/model.ts";
import { printProblems } from "../../site/problem.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import { projectRoot, workFolder } from "../lib/paths.ts";
import { RunError } from "../lib/run.ts";
import { askPulumi } from "./pulumi.ts";

export const stacksFolder = join(projectRoot, "stacks");

/** The stack that a command is about. @throws Error that lists the stacks, when none is named. */
export function chosenStack(option: string | undefined): string {
  const stack = option ?? env.BRAMBLE_STACK;
  if (stack !== undefined && /^[a-z][a-z0-9-]*$/.test(stack)) return stack;
  const known = readdirSync(stacksFolder).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
  throw new Error(
    `${stack === undefined ? "Which stack?" : `${JSON.stringify(stack)} can't be the name of a stack.`} Name it by --stack NAME or by BRAMBLE_STACK. ` +
      (known.length === 0 ? "There is none yet; `npm run lab` makes one to try." : `There is: ${known.join(", ")}.`),
  );
}

/** The site of a stack. @throws Error with all problems when the site file has any. */
export async function siteOf(stack: string): Promise<Site> {
  const read = await readStack(stacksFolder, stack, await readStackConfig(stacksFolder, stack));
  if (!read.ok) throw new Error(printProblems(read.problems));
  return read.site;
}

/** The keys of a stack's site, for commands that log in to its machines. Asks the engine to decrypt the secret. */
export async function siteAccess(
  stack: string,
): Promise<{ site: Site; keys: SiteKeys; siteId: string; keyFolder: string }> {
  const site = await siteOf(stack);
  const secret = Buffer.from(await siteSecret(stack), "hex");
  const keys = siteKeys(secret, site.name, site.epochs);
  const folder = keyFolder(workFolder, site.name);
  await writeKeyFiles(folder, siteKeyFiles(site, keys));
  return { site, keys, siteId: siteId(secret), keyFolder: folder };
}

/** The secret from which all keys of the site are made, as 64 hex digits. */
export async function siteSecret(stack: string): Promise<string> {
  try {
    return (await askPulumi(stack, ["config", "get", "siteSecret"])).stdout.trim();
  } catch (error) {
    if (!(error instanceof RunError) || !error.message.includes("not found")) throw error;
    throw new Error(`Stack ${stack} has no site secret yet: npm run bramble -- secret new --stack ${stack}`);
  }
}
