import { readdir, readFile } from "node:fs/promises";
import { kill } from "node:process";
import { until } from "../lib/until.ts";

/**
 * Ends the processes that a killed set-up left running: those that were told to keep their temporary files below
 * `prefix`, by GOTMPDIR or TMPDIR. (A compiler whose folder is removed makes it again.) Linux only: elsewhere nothing
 * tells what a process was started with.
 */
export async function endOrphans(prefix: string): Promise<void> {
  await until(
    "the processes of a killed set-up to end",
    async () => {
      const orphans = await processesWith(prefix);
      for (const pid of orphans) end(pid);
      return orphans.length === 0;
    },
    { deadline: 10_000 },
  );
}

async function processesWith(prefix: string): Promise<number[]> {
  const entries = await readdir("/proc").catch(() => []);
  const found = entries
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      // Another user's process, or one that has just ended: not ours.
      const environment = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
      const isOurs = environment.split("\0").some((line) => /^(GO)?TMPDIR=/.test(line) && line.includes(`=${prefix}`));
      return isOurs ? [Number(name)] : [];
    });
  return (await Promise.all(found)).flat();
}

function end(pid: number): void {
  try {
    kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
