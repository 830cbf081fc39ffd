import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { list } from "../../site/problem.ts";
import { unlessAbsent } from "../lib/files.ts";
import { gitIn } from "./git.ts";
import { isGone, type Sorted, sortChanges } from "./sort.ts";
import { stackFileFor } from "./stack-file.ts";

/** What was taken of a pull request; kept in the work folder for the steps after it. */
export interface Taken {
  /** Commit of the checkout, and of the pull request. */
  readonly base: string;
  readonly head: string;
  /** Files of data that were taken. */
  readonly data: readonly string[];
  /** Files of the program that differ: taken with `all`, left alone without. */
  readonly program: readonly string[];
  /** Whether the program was taken as well. */
  readonly all: boolean;
  /** Stacks whose file is to go. */
  readonly gone: readonly string[];
  /** What was left out, and why, a sentence each. */
  readonly notes: readonly string[];
}

export interface TakeOptions {
  /** The pull request's commit. */
  readonly head: string;
  /** Its number at the forge, to fetch it from `origin`; without it the commit has to be there. */
  readonly number?: number | undefined;
  /** Takes the program too, so that what comes after runs the pull request's code. Only after a maintainer's word. */
  readonly all?: boolean;
}

/**
 * Lays a pull request's data over a checkout of the base branch, as the merge would give them, and nothing of its
 * program. Reads git's store only; no file of the pull request is on the disk before it is known to be data.
 * @throws Error when the checkout was edited, the two don't merge, or data is no plain file; nothing was written then.
 */
export async function takePullRequest(
  folder: string,
  { head: name, number, all = false }: TakeOptions,
): Promise<Taken> {
  const git = gitIn(folder);
  const edited = await git.edited();
  if (edited.length > 0)
    throw new Error(`This checkout has changes of its own: ${list(edited)}. Take a pull request into a fresh one.`);
  if (number !== undefined) await git.fetchPullRequest(number);
  const [base, head] = [await git.commit("HEAD"), await git.commit(name)];
  if (base === undefined || head === undefined) {
    const pushed =
      number === undefined ? "" : ` If pull request ${number} was pushed again, its newer run is the one that counts.`;
    throw new Error(`This checkout has no commit ${JSON.stringify(base === undefined ? "HEAD" : name)}.${pushed}`);
  }
  const merge = await git.merge(base, head);
  if ("conflicts" in merge)
    throw new Error(
      `The pull request can't be merged: it and the base branch changed ${list(merge.conflicts)}. ` +
        "Merge the base branch into it, or rebase it; then there is something to preview.",
    );
  const sorted = sortChanges(await git.changes(base, merge.tree));
  const program = sorted.program.map(({ path }) => path);
  const gone = sorted.stackFiles.filter(isGone).map(({ stack }) => stack);
  const data = [...sorted.data, ...sorted.stackFiles].map(({ path }) => path);
  if (all) {
    await git.checkOut(merge.tree);
    return await keep(folder, { base, head, data, program, all, gone, notes: [] });
  }
  const { files, notes } = await readData(git, base, sorted);
  for (const [path, text] of files) await put(join(folder, path), text);
  return await keep(folder, { base, head, data, program, all, gone, notes });
}

/** What was last taken into this checkout, or undefined. */
export async function lastTaken(folder: string): Promise<Taken | undefined> {
  const text = await readFile(recordIn(folder), "utf8").catch(unlessAbsent);
  return text === undefined ? undefined : JSON.parse(text);
}

type Git = ReturnType<typeof gitIn>;

/** The files to write, with undefined for those that go, and what is to be said of them. */
async function readData(git: Git, base: string, { data, stackFiles, refused }: Sorted) {
  const files = new Map<string, string | undefined>();
  const [notes, problems]: [string[], string[]] = [[], [...refused]];
  for (const change of data) files.set(change.path, isGone(change) ? undefined : await git.content(change));
  for (const change of stackFiles) {
    const { path, stack } = change;
    const before = await git.fileAt(base, path);
    if (before === undefined)
      notes.push(`Stack ${stack} is new. It has a preview once its file is on the base branch.`);
    else if (!isGone(change)) {
      const merged = stackFileFor(before, await git.content(change));
      if ("problem" in merged) {
        problems.push(`${path} can't be taken: ${merged.problem}.`);
        continue;
      }
      files.set(path, merged.text);
      // They stand in a comment, where other text could be a link, or call somebody.
      const ignored = merged.ignored.map((name) => (/^[\w:-]{1,60}$/.test(name) ? name : "a setting with an odd name"));
      if (ignored.length > 0) notes.push(`${path}: ${list(ignored)} as on the base branch; only a merge changes that.`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { files, notes };
}

async function put(path: string, text: string | undefined): Promise<void> {
  // Removed first: written to a link that the base branch has there, it would change another file.
  await rm(path, { force: true });
  if (text === undefined) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: "wx" });
}

async function keep(folder: string, taken: Taken): Promise<Taken> {
  await put(recordIn(folder), `${JSON.stringify(taken, null, 2)}\n`);
  return taken;
}

function recordIn(folder: string): string {
  return join(folder, ".bramble/ci/taken.json");
}
