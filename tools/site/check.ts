import { readFile } from "node:fs/promises";
import { planBoot } from "../../components/boot-plan.ts";
import { printProblems } from "../../site/problem.ts";
import { readSite, type SiteResult } from "../../site/read.ts";
import { readLock } from "../../stacks/read-lock.ts";
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

async function report(result: SiteResult, why: boolean): Promise<Check> {
  const warnings = printProblems(result.warnings);
  if (!result.ok) return refused(printProblems(result.problems) + worthALook(warnings), result.problems.length);
  const { boot } = result.site;
  const planned = boot && planBoot(boot, await readLock(stacksFolder));
  if (planned?.ok === false)
    return refused(`${planned.problems.join("\n")}\n${worthALook(warnings)}`, planned.problems.length);
  const ofBoards = planned?.plan.warnings.map((line) => `${line}\n`).join("") ?? "";
  return { ok: true, text: worthALook(warnings + ofBoards) + summary(result.site, why) };
}

function worthALook(warnings: string): string {
  return warnings === "" ? "" : `Worth a look:\n${warnings}`;
}

function refused(text: string, count: number): Check {
  return { ok: false, text: `${text}${count} ${count === 1 ? "problem" : "problems"}\n` };
}
