import { readFile } from "node:fs/promises";
import { printProblems } from "../../site/problem.ts";
import { readSite, type SiteResult } from "../../site/read.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import { stacksFolder } from "../stack/chosen.ts";
import { summary } from "./summary.ts";

export interface Check {
  readonly ok: boolean;
  /** For the terminal: problems and warnings, or warnings and a summary. */
  readonly text: string;
}

/** Checks a site file by itself. @throws when it cannot be read. */
export async function checkFile(file: string, why: boolean): Promise<Check> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read: ${error.code === "ENOENT" ? "there is no such file" : error.message}.`);
  });
  return report(readSite({ file, text }), why);
}

/** Checks the site of a stack, with its overrides. */
export async function checkStack(stack: string, why: boolean): Promise<Check> {
  return report(await readStack(stacksFolder, stack, await readStackConfig(stacksFolder, stack)), why);
}

function report(result: SiteResult, why: boolean): Check {
  const warnings = result.warnings.length === 0 ? "" : `Worth a look:\n${printProblems(result.warnings)}`;
  if (result.ok) return { ok: true, text: warnings + summary(result.site, why) };
  const count = result.problems.length;
  const closing = `${count} ${count === 1 ? "problem" : "problems"}\n`;
  return { ok: false, text: printProblems(result.problems) + warnings + closing };
}
