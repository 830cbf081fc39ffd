import { UnreachableError } from "../lib/download.ts";
import { allMakers, mirrorVariable } from "./upstream.ts";

const unreachableAdvice = `Without a way to that host, either
  - copy the folder .bramble/artifacts from a machine that has it, into this project, or
  - name a mirror: --mirror NAME=ADDRESS, where NAME is ${allMakers.join(", ")},
    or the environment variables ${allMakers.map(mirrorVariable).join(", ")}, or
  - download the file elsewhere, and pin it: npm run bramble -- artifacts add --help`;

/** What failed, as one error with a line for each; undefined where nothing did. */
export function failureOf(
  names: readonly string[],
  results: readonly PromiseSettledResult<unknown>[],
): Error | undefined {
  const reasons = results.flatMap((result, index) =>
    result.status === "rejected" ? [{ name: names[index], reason: result.reason as unknown }] : [],
  );
  if (reasons.length === 0) return undefined;
  const lines = reasons.map(({ name, reason }) => `${name}: ${isDiskFull(reason) ? diskFull : messageOf(reason)}`);
  const unreachable = reasons.some(({ reason }) => reason instanceof UnreachableError);
  return new Error([...lines, ...(unreachable ? [unreachableAdvice] : [])].join("\n"));
}

const diskFull =
  "the disk with .bramble/artifacts is full. Nothing of this is pinned; make room, and run the same command again: it " +
  "goes on with what is there already";

function isDiskFull(reason: unknown): boolean {
  return reason instanceof Error && "code" in reason && (reason.code === "ENOSPC" || reason.code === "EDQUOT");
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
