import { readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { parseName } from "../../site/names.ts";
import { list } from "../../site/problem.ts";
import { projectRoot } from "../lib/paths.ts";

export const stacksFolder = join(projectRoot, "stacks");

/** The stack's own file: encrypted secrets and overrides. */
export function stackFile(stack: string): string {
  return join(stacksFolder, `Pulumi.${stack}.yaml`);
}

/** The stack that a command is about. @throws Error that lists the stacks, when none is named. */
export function chosenStack(option: string | undefined): string {
  const stack = option ?? env.BRAMBLE_STACK;
  if (stack === undefined)
    throw new Error(`Which stack? Name it by --stack NAME or by BRAMBLE_STACK. ${stacksThereAre()}`);
  const name = parseName(stack);
  if (!("value" in name)) throw new Error(`${name.message}: ${name.hint}. ${stacksThereAre()}`);
  return name.value;
}

/** For messages: the stacks that have a file. */
export function stacksThereAre(): string {
  const known = readdirSync(stacksFolder).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  if (known.length === 0)
    return "There is none yet; `npm run lab` makes one to try, and `npm run bramble -- init NAME` begins one.";
  return known.length === 1 ? `There is one: ${list(known)}.` : `There are ${list(known, 20)}.`;
}
