import { RunError, type RunResult, run, tryRun } from "../lib/run.ts";
import type { Change } from "./sort.ts";

/** What a merge would give, without a checkout of any of it. */
export type Merge = { readonly tree: string } | { readonly conflicts: readonly string[] };

/** A site file has some kilobytes; more than this is nothing that a preview is to read. */
const largestFile = 4 * 2 ** 20;

/** Git in one checkout, for reading a pull request as data: nothing here writes files or runs hooks. */
export function gitIn(folder: string) {
  const git = (...args: string[]): Promise<RunResult> => run(["git", ...args], { cwd: folder });

  /** The full name of a commit, or undefined where the checkout has none of that name. */
  async function commit(name: string): Promise<string | undefined> {
    const { code, stdout } = await tryRun(
      ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`],
      { cwd: folder },
    );
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Gets a pull request's commits from `origin`, where the forge keeps them. `number` is its number there. */
  async function fetchPullRequest(number: number): Promise<void> {
    const ref = `+refs/pull/${number}/head:refs/bramble/pull/${number}`;
    await git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin", ref);
  }

  /** The commit at a branch's tip on `origin`, asked now. */
  async function tipOf(branch: string): Promise<string> {
    const { stdout } = await git("ls-remote", "--exit-code", "origin", `refs/heads/${branch}`);
    return stdout.split("\t")[0] ?? "";
  }

  /** Files of the checkout that differ from its commit; files that git does not know are none of them. */
  async function edited(): Promise<string[]> {
    const { stdout } = await git("diff", "--name-only", "-z", "HEAD");
    return stdout.split("\0").filter((path) => path !== "");
  }

  /** Merges two commits, in git's store only. @throws RunError when that is not possible at all. */
  async function merge(base: string, head: string): Promise<Merge> {
    const command = ["git", "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head] as const;
    const result = await tryRun(command, { cwd: folder });
    if (result.code > 1) throw new RunError(command, result);
    const [tree = "", ...conflicts] = result.stdout.split("\0").filter((part) => part !== "");
    return result.code === 0 ? { tree } : { conflicts };
  }

  /** Files that differ between a commit and a tree. A renamed file is one that goes and one that comes. */
  async function changes(base: string, tree: string): Promise<Change[]> {
    const { stdout } = await git("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", base, tree);
    const parts = stdout.split("\0");
    return parts.flatMap((head, index) => {
      const [, mode, blob] = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) [A-Z]$/.exec(head) ?? [];
      const path = parts[index + 1];
      return mode === undefined || blob === undefined || path === undefined ? [] : [{ path, mode, blob }];
    });
  }

  /** A file's content. @throws Error when it is far too large, or no text in UTF-8. */
  async function content({ path, blob }: Change): Promise<string> {
    const { stdout: size } = await git("cat-file", "-s", blob);
    if (Number(size) > largestFile) throw new Error(`${JSON.stringify(path)} has ${size.trim()} bytes.`);
    return (await git("cat-file", "blob", blob)).stdout;
  }

  /** The text of a file of a commit, or undefined where it has none. */
  async function fileAt(commit: string, path: string): Promise<string | undefined> {
    const { stdout } = await git("ls-tree", "-z", commit, "--", path);
    const blob = /^100\d+ blob ([0-9a-f]+)\t/.exec(stdout)?.[1];
    return blob === undefined ? undefined : (await git("cat-file", "blob", blob)).stdout;
  }

  /** Makes the checkout's files those of a tree. */
  async function checkOut(tree: string): Promise<void> {
    await git("read-tree", "-u", "--reset", tree);
  }

  return { commit, fetchPullRequest, tipOf, edited, merge, changes, content, fileAt, checkOut };
}
