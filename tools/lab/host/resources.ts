import { readFile, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { readIfThere } from "../../lib/files.ts";

const GiB = 1024 ** 3;

/** What a lab takes, or what a machine has to give. Memory and disk in bytes. */
export interface Resources {
  memory: number;
  disk: number;
  cores: number;
}

/** A lab of some size, by the name that a user chooses it by. */
export interface LabSize extends Resources {
  name: string;
}

export type Fit =
  | { kind: "fits"; size: LabSize }
  /** The wanted one does not fit, this one does; the message holds the numbers and says what to choose. */
  | { kind: "smaller"; size: LabSize; message: string }
  | { kind: "none"; message: string };

/** What this machine has to spare: memory that can be used without swapping, disk below the folder, processor cores. */
export async function freeResources(folder: string): Promise<Resources> {
  const disk = await statfs(folder);
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
  if (available === undefined) throw new Error("/proc/meminfo names no MemAvailable; is this Linux 3.14 or newer?");
  const memory = Math.min(Number(available) * 1024, await memoryLeftInCgroup());
  return { memory, disk: disk.bavail * disk.bsize, cores: availableParallelism() };
}

/** Whether the wanted lab fits into what is free, else the largest of the smaller ones that does. */
export function fitLab(wanted: LabSize, smaller: readonly LabSize[], free: Resources): Fit {
  const lacking = shortages(wanted, free);
  if (lacking.length === 0) return { kind: "fits", size: wanted };
  const problem = `The lab "${wanted.name}" does not fit on this machine: ${lacking.join("; ")}.`;
  const fitting = [...smaller].sort((a, b) => b.memory - a.memory).find((size) => shortages(size, free).length === 0);
  if (fitting !== undefined) {
    return {
      kind: "smaller",
      size: fitting,
      message: `${problem} The smaller lab "${fitting.name}" does: ${sum(fitting)}.`,
    };
  }
  const smallest = [wanted, ...smaller].reduce((a, b) => (b.memory < a.memory ? b : a));
  return {
    kind: "none",
    message: `${problem} The smallest lab, "${smallest.name}", takes ${sum(smallest)}. Free what is lacking, or use another machine.`,
  };
}

function shortages(size: Resources, free: Resources): string[] {
  return [
    size.memory > free.memory ? `it takes ${gib(size.memory)} of memory, ${gib(free.memory)} is free` : "",
    size.disk > free.disk ? `it takes ${gib(size.disk)} of disk, ${gib(free.disk)} is free` : "",
    size.cores > free.cores ? `it takes ${size.cores} processor cores, there are ${free.cores}` : "",
  ].filter((text) => text !== "");
}

function sum(size: Resources): string {
  return `${gib(size.memory)} of memory, ${gib(size.disk)} of disk, ${size.cores} processor ${size.cores === 1 ? "core" : "cores"}`;
}

function gib(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GiB`;
}

/** What is left of the memory limit that a container may have (cgroup v2, memory.max), or infinity. */
async function memoryLeftInCgroup(): Promise<number> {
  const [limit, used] = await Promise.all(
    ["max", "current"].map((name) => readIfThere(`/sys/fs/cgroup/memory.${name}`)),
  );
  if (limit === undefined || used === undefined || limit.trim() === "max") return Number.POSITIVE_INFINITY;
  return Math.max(0, Number(limit) - Number(used));
}
