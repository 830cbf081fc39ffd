import { dirname, relative, resolve, sep } from "node:path";
import { cwd } from "node:process";
import type { Site } from "../../site/model.ts";
import { type Problem, printProblems } from "../../site/problem.ts";
import { readSiteOf, type SiteResult } from "../../site/read.ts";
import { readLayers } from "../../stacks/read-base.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import { basesIn, isPart } from "../../stacks/site-files.ts";
import { stacksFolder } from "../stack/chosen.ts";
import { summary } from "./summary.ts";

export interface Check {
  readonly ok: boolean;
  /** For the terminal: problems and warnings, or warnings and a summary. */
  readonly text: string;
}

/**
 * Checks site files, and every site beside them that is based on one of them. A file that is only a part of such sites
 * is judged by them. What several sites have of a base is said once.
 */
export async function checkFiles(files: readonly string[], why: boolean): Promise<Check> {
  const results = new Map<string, SiteResult>();
  for (const path of files.map((file) => resolve(file))) {
    const folder = folderOf(path);
    const read = async (site: string) => results.get(site) ?? (await readFileAsSite(folder, site));
    const own = await read(path);
    const bases = await basesIn(folder);
    if (!isPart(path, own, bases)) results.set(path, own);
    for (const site of bases.get(path) ?? []) results.set(site, await read(site));
  }
  return await report([...results.values()], why);
}

/**
 * Checks what a site file in stacks/ is to say, before it is written. It may want things that are not pinned yet: that is
 * said, and is right for a new site.
 */
export async function checkText(path: string, text: string): Promise<Check> {
  const result = await readFileAsSite(stacksFolder, path, text);
  const whole = await report([result], false);
  if (whole.ok || !result.ok) return whole;
  return { ok: true, text: `To be done before the first preview:\n${whole.text}` };
}

/** Checks the site of a stack, with its overrides. */
export async function checkStack(stack: string, why: boolean): Promise<Check> {
  return await report([await readStack(stacksFolder, stack, await readStackConfig(stacksFolder, stack))], why);
}

/** Bases are found in stacks/, or beside a file that is elsewhere. */
function folderOf(path: string): string {
  return path.startsWith(stacksFolder + sep) ? stacksFolder : dirname(path);
}

async function readFileAsSite(folder: string, path: string, text?: string): Promise<SiteResult> {
  const read = await readLayers(folder, path, text).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    return { problem: unreadable(relative(cwd(), path), error) };
  });
  return "problem" in read ? { ok: false, problems: [read.problem], warnings: [] } : readSiteOf(read.layers);
}

function unreadable(file: string, { code, message }: NodeJS.ErrnoException): Problem {
  const absent = code === "ENOENT" || code === "ENOTDIR";
  return {
    ...{ file, line: 0, column: 0, rule: absent ? "no-site-file" : "unreadable-file" },
    message: absent ? "there is no such file" : `it can't be read: ${message}`,
    hint: absent ? "name a site file, such as stacks/example.yaml" : "make it a plain file that you may read",
  };
}

async function report(results: readonly SiteResult[], why: boolean): Promise<Check> {
  const found = await Promise.all(results.map((result) => judge(result)));
  const problems = [...new Set(found.flatMap((one) => one.problems))];
  const warnings = [...new Set(found.flatMap((one) => one.warnings))];
  const summaries = found.flatMap(({ site }) => (site === undefined ? [] : summary(site, why)));
  const worthALook = warnings.length === 0 ? "" : `Worth a look:\n${warnings.join("")}`;
  if (problems.length === 0) return { ok: true, text: worthALook + summaries.join("") };
  const count = `${problems.length} ${problems.length === 1 ? "problem" : "problems"}\n`;
  return { ok: false, text: problems.join("") + worthALook + summaries.join("") + count };
}

/** What is to be said of one site, as text; the site itself when it has no problem. */
interface Judged {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly site?: Site;
}

async function judge(result: SiteResult): Promise<Judged> {
  const said = (problems: readonly Problem[]) => problems.map((problem) => printProblems([problem]));
  const warnings = said(result.warnings);
  if (!result.ok) return { problems: said(result.problems), warnings };
  const { site } = result;
  // Only for sites that need it: loading it takes as long as all the rest.
  const withK3s = site.clusters.some(({ type }) => type === "k3s");
  const unpinned = withK3s ? await (await import("./k3s-check.ts")).k3sProblems(site) : [];
  if (site.boot === undefined)
    return unpinned.length > 0
      ? { problems: said(result.locate(unpinned)), warnings }
      : { problems: [], warnings, site };
  const { planWithAnyKeys } = await import("./boot-check.ts");
  const planned = await planWithAnyKeys(result.site);
  const missing = [...unpinned, ...(planned.ok ? [] : planned.problems)];
  if (!planned.ok || missing.length > 0) return { problems: said(result.locate(missing)), warnings };
  const ofBoards = planned.plan?.warnings.map((line) => `${line}\n`) ?? [];
  return { problems: [], warnings: [...warnings, ...ofBoards], site: result.site };
}
