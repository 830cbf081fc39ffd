import { siteKeyFiles } from "../../components/key-files.ts";
import { keyFolder, writeKeyFiles } from "../../providers/transport/key-files.ts";
import { parseSiteSecret, type SiteKeys, siteId, siteKeys } from "../../site/keys.ts";
import type { Site } from "../../site/model.ts";
import { printProblems } from "../../site/problem.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import { workFolder } from "../lib/paths.ts";
import { stacksFolder } from "./chosen.ts";
import { askPulumi, EngineError } from "./pulumi.ts";

/** The site of a stack. @throws Error with all problems when the site file has any. */
export async function siteOf(stack: string): Promise<Site> {
  const read = await readStack(stacksFolder, stack, await readStackConfig(stacksFolder, stack));
  if (!read.ok) throw new Error(printProblems(read.problems).trimEnd());
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

/** The secret from which all keys of the site are made, as 64 hex digits. @throws Error when there is none, or not a whole one. */
export async function siteSecret(stack: string): Promise<string> {
  const parsed = parseSiteSecret(await storedSecret(stack));
  if (!("value" in parsed)) throw new Error(`Stack ${stack} ${parsed.message}. ${parsed.hint} --stack ${stack}`);
  return Buffer.from(parsed.value).toString("hex");
}

/** What the stack has as its secret, or undefined. @throws Error when it has something that can't be read. */
export async function storedSecret(stack: string): Promise<string | undefined> {
  try {
    return (await askPulumi(stack, ["config", "get", "siteSecret"])).stdout.trim();
  } catch (error) {
    if (error instanceof EngineError && error.said.includes("key 'siteSecret' not found")) return undefined;
    throw error;
  }
}
