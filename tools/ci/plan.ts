import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { printMarkdown } from "../plan/markdown.ts";
import { readSaved } from "../plan/saved.ts";
import { longestComment } from "./comments.ts";
import { fenced } from "./markdown.ts";
import { watchBramble } from "./watched.ts";

/** What a stack would become, for people. */
export interface Review {
  /** 0, or 3 when the plan is refused, or 1 when there is none. */
  readonly code: number;
  /** Markdown with a heading. */
  readonly text: string;
}

/** Characters of a comment that are kept for what is said beside the plan. */
const room = 6_000;

/**
 * `bramble plan`, as Markdown for a comment. Leaves `plan.json` in the folder, and `plan.md`: all of it, where a comment
 * has the most severe of a long one.
 */
export async function planFor(stack: string, folder: string): Promise<Review> {
  const file = join(folder, "plan.json");
  await rm(file, { force: true });
  const { code: ended, said } = await watchBramble("plan", "--stack", stack, "--out", file);
  if (ended === 1 || !existsSync(file)) return { code: 1, text: noPreview(stack, "it can't be previewed", said) };
  const { plan } = await readSaved(file);
  await writeFile(join(folder, "plan.md"), printMarkdown(plan));
  const fullAt = "`plan.md` of this run's artifacts";
  return { code: ended === 3 ? 3 : 0, text: printMarkdown(plan, { limit: longestComment - room, fullAt }) };
}

/** A heading, and below it what a program said that went wrong. */
export function noPreview(stack: string, why: string, said: string): string {
  return `### Stack \`${stack}\`: ${why}\n\n${fenced(said, longestComment - 2 * room)}`;
}
