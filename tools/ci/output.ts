import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";

/** Writes `comment.md` into a folder, which is made: what the forge is to show under the pull request. */
export async function writeComment(folder: string, markdown: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "comment.md"), markdown);
}

/** Adds to the summary that GitHub shows for a run; elsewhere there is none. */
export async function summarize(markdown: string): Promise<void> {
  if (env.GITHUB_STEP_SUMMARY !== undefined) await appendFile(env.GITHUB_STEP_SUMMARY, markdown);
}

/** Sets an output of a step, which other jobs of the workflow can ask for; elsewhere there is none. */
export async function setOutput(name: string, value: boolean): Promise<void> {
  if (env.GITHUB_OUTPUT !== undefined) await appendFile(env.GITHUB_OUTPUT, `${name}=${value}\n`);
}
