import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { list } from "../../site/problem.ts";
import { projectRoot } from "../lib/paths.ts";
import { checkStack } from "../site/check.ts";
import { noStack } from "../stack/advice.ts";
import { stackFile } from "../stack/chosen.ts";
import { code } from "./markdown.ts";
import { writeComment } from "./output.ts";
import { noPreview, planFor, type Review } from "./plan.ts";
import { lastTaken, type Taken } from "./take.ts";

/**
 * Makes the preview of a stack for a pull request that was taken into this checkout, and writes `comment.md`, and what
 * `planFor` leaves, into a folder. Gives the exit code: 0, 3 when the plan is refused, 1 when the site has mistakes or
 * can't be previewed. Where the pull request's program was left alone, that decides nothing, and the code is 0.
 */
export async function reviewStack(stack: string, folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const taken = await lastTaken(projectRoot);
  const review = taken?.gone.includes(stack) ? leaving(stack) : await reviewOf(stack, folder);
  await writeComment(folder, review.text + (taken === undefined ? "" : `\n${notesOn(taken)}`));
  const isDecided = taken === undefined || taken.all || taken.program.length === 0;
  return isDecided ? review.code : 0;
}

async function reviewOf(stack: string, folder: string): Promise<Review> {
  if (!existsSync(stackFile(stack)))
    return { code: 1, text: noPreview(stack, "it is not on the base branch", noStack(stack)) };
  const { ok, text } = await checkStack(stack, false);
  if (ok) return await planFor(stack, folder);
  process.stdout.write(text);
  return { code: 1, text: noPreview(stack, "the site has mistakes", text) };
}

function leaving(stack: string): Review {
  const text = "Its files are to go. That takes nothing down: run `destroy` first, as long as they are there.";
  return { code: 0, text: `### Stack ${code(stack)} is to go\n\n${text}\n` };
}

/** What is to be known about where a preview comes from. */
function notesOn({ base, head, program, all, notes }: Taken): string {
  const lines = [...notes];
  if (program.length > 0 && all)
    lines.push(`Made by the program of this pull request, which changes ${paths(program)}.`);
  else if (program.length > 0)
    lines.push(
      `This also changes the program (${paths(program)}), which was not run. What is above is what the base branch's ` +
        "program makes of the site files. The preview that counts is made when a maintainer has read the code and lets it run.",
    );
  lines.push(`Commit ${code(head.slice(0, 12))}, merged into ${code(base.slice(0, 12))}.`);
  return lines.map((line) => `- ${line}\n`).join("");
}

function paths(names: readonly string[]): string {
  return list(names.map(code), 4);
}
