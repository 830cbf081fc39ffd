import { randomUUID } from "node:crypto";
import { env, stdout } from "node:process";

/**
 * Runs work that prints text of others into a workflow's log. GitHub's runner takes lines that begin with `::` for
 * commands, so a line of a site file could set an output of the step; it is told not to, until the work has ended.
 */
export async function asPlainLog<T>(work: () => Promise<T>): Promise<T> {
  if (env.GITHUB_ACTIONS !== "true") return await work();
  const word = randomUUID();
  stdout.write(`::stop-commands::${word}\n`);
  try {
    return await work();
  } finally {
    stdout.write(`\n::${word}::\n`);
  }
}
