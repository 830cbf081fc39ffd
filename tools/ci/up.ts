import { stdout } from "node:process";
import { projectRoot } from "../lib/paths.ts";
import { boardsAreDegraded, boardsAreOff } from "../stack/boards.ts";
import { gitIn } from "./git.ts";
import { code, fenced } from "./markdown.ts";
import { summarize } from "./output.ts";
import { watchBramble } from "./watched.ts";

/** GitHub takes 1 MiB of summary; what a person reads of it is far less. In characters. */
const longestOutput = 100_000;

/**
 * Runs `up` for a stack as a merge does: nobody is asked, everything is printed as it comes, and a summary is left for
 * the forge. Gives the exit code of `up`, but 0 where all that is open is that boards are off.
 *
 * With `branch`, only the commit at its tip is applied: an older run that is started again would set the site back.
 * @throws Error when the branch can't be asked for.
 */
export async function upAfterMerge(stack: string, branch: string | undefined): Promise<number> {
  const git = gitIn(projectRoot);
  const commit = await git.commit("HEAD");
  if (commit === undefined) throw new Error("This checkout has no commit yet.");
  const tip = branch === undefined ? commit : await git.tipOf(branch);
  if (tip !== commit) {
    const text = `${short(commit)} is not the newest of ${branch} any more; the run for ${short(tip)} applies both.`;
    stdout.write(`${text}\n`);
    await summarize(`## Stack ${code(stack)}: left to a newer run\n\n${text}\n`);
    return 0;
  }
  const started = performance.now();
  const { code: ended, said } = await watchBramble("up", "--stack", stack, "--yes", "--skip-preview");
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  const head = `## Stack ${code(stack)}: ${outcome(ended)}\n\nCommit ${code(short(commit))}, ${minutes} min.\n\n`;
  await summarize(head + fenced(said, longestOutput));
  return ended === boardsAreOff ? 0 : ended;
}

function outcome(ended: number): string {
  if (ended === 0) return "applied";
  if (ended === boardsAreOff) return "applied; boards are off, and boot it when they are switched on";
  if (ended === boardsAreDegraded) return "applied, and boards are degraded";
  return ended === 130 ? "interrupted; the same run goes on from there" : "**failed**; the same run goes on from there";
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
