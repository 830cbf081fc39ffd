import { readFile } from "node:fs/promises";
import { boardAccess } from "../../components/board-image.ts";
import { planSite } from "../../components/boot-plan.ts";
import { siteKeys, siteSecretLength } from "../../site/keys.ts";
import type { Site } from "../../site/model.ts";
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
  const planned = planSite(result.site, await anyKeys(result.site));
  if (!planned.ok) {
    const problems = printProblems(result.locate(planned.problems));
    return refused(problems + worthALook(warnings), planned.problems.length);
  }
  const ofBoards = planned.plan?.warnings.map((line) => `${line}\n`).join("") ?? "";
  return { ok: true, text: worthALook(warnings + ofBoards) + summary(result.site, why) };
}

/** A plan of what boards boot needs public keys and an id, and is right or wrong whatever they are. */
async function anyKeys(site: Site) {
  const keys = siteKeys(new Uint8Array(siteSecretLength), site.name, site.epochs);
  return { lock: await readLock(stacksFolder), access: boardAccess(keys), siteId: "00000000" };
}

function worthALook(warnings: string): string {
  return warnings === "" ? "" : `Worth a look:\n${warnings}`;
}

function refused(text: string, count: number): Check {
  return { ok: false, text: `${text}${count} ${count === 1 ? "problem" : "problems"}\n` };
}
