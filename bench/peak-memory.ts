import { readdir, readFile } from "node:fs/promises";
import { pid as own } from "node:process";
import { setTimeout as delay } from "node:timers/promises";

/** How often the processes are looked at, in milliseconds. */
const interval = 100;

/**
 * The most memory, in bytes, that this process's descendants had together while work went on. What several share counts
 * once (PSS of proc(5)). Nothing else may run below this process meanwhile.
 */
export async function peakMemory<T>(work: Promise<T>): Promise<{ readonly result: T; readonly peak: number }> {
  let ended = false;
  const looks = (async () => {
    let peak = 0;
    while (!ended) {
      peak = Math.max(peak, await memoryBelow(own));
      await delay(interval);
    }
    return peak;
  })();
  const result = await work.finally(() => {
    ended = true;
  });
  return { result, peak: await looks };
}

async function memoryBelow(root: number): Promise<number> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const)));
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid) ?? 0;
    return parent === root || (parent !== 0 && isBelow(parent));
  };
  const sizes = await Promise.all(pids.filter(isBelow).map(async (pid) => kibOf(await ofProcess(pid, "smaps_rollup"))));
  return sizes.reduce((sum, kib) => sum + kib * 1024, 0);
}

async function parentOf(pid: number): Promise<number> {
  const stat = await ofProcess(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2] ?? 0);
}

function kibOf(rollup: string): number {
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
}

/** Empty for a process that has ended meanwhile. */
async function ofProcess(pid: number, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ESRCH") return "";
    throw error;
  });
}
