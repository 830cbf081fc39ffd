import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unlessAbsent } from "../lib/files.ts";
import { age } from "../lib/lock.ts";
import { stackEnvironment } from "./pulumi.ts";

/** What the engine writes into a lock of its file backend. */
interface EngineLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

/**
 * Sees to it that a run can take the lock on a stack's state: removes the locks that a killed engine left on this
 * machine, and says so. Only the file backend is looked at; with others the engine itself refuses.
 * @throws Error that names the holder and the age of a lock that is held, or that another machine must judge.
 */
export async function freeStateLock(stack: string): Promise<void> {
  const backend = stackEnvironment(stack).PULUMI_BACKEND_URL;
  if (backend === undefined || !backend.startsWith("file:///")) return;
  const folder = join(fileURLToPath(backend), ".pulumi/locks/organization/bramble", stack);
  for (const name of await locksIn(folder)) {
    const path = join(folder, name);
    const lock = await readLock(path);
    if (lock === undefined) continue;
    const { pid, timestamp } = lock;
    if (lock.hostname !== hostname()) throw new Error(heldElsewhere(stack, lock));
    if (await isItsEngine(lock)) throw new Error(heldHere(stack, lock));
    await rm(`${path}.attrs`, { force: true }); // the file store's note beside each file
    await rm(path, { force: true });
    console.error(
      `The run that held the lock on ${stack} since ${timestamp} was killed (process ${pid}); its lock is removed.`,
    );
  }
}

function heldHere(stack: string, { pid, username, timestamp }: EngineLock): string {
  return (
    `Another run is at work on stack ${stack}: process ${pid} of ${username}, for ${age(timestamp)} now. Wait until it has ` +
    `ended, or end it with \`kill ${pid}\`; then try again. Nothing was changed.`
  );
}

function heldElsewhere(stack: string, { pid, username, hostname, timestamp }: EngineLock): string {
  return (
    `Process ${pid} of ${username} on ${hostname} has locked stack ${stack}, ${age(timestamp)} ago. Wait until it has ended. ` +
    "If nothing runs there any more, break the lock; nothing was changed:\n" +
    `  eval "$(npm run -s bramble -- env)" && pulumi cancel --stack ${stack}`
  );
}

async function locksIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(unlessAbsent)) ?? [];
  return names.filter((name) => name.endsWith(".json"));
}

/** The lock, or undefined when it has just been given back, or is not whole: then the engine is to judge. */
async function readLock(path: string): Promise<EngineLock | undefined> {
  const text = (await readFile(path, "utf8").catch(unlessAbsent)) ?? "";
  return text.trimEnd().endsWith("}") ? JSON.parse(text) : undefined;
}

/** Whether the process that took the lock still runs. Numbers are used again, also by later runs of the engine. */
async function isItsEngine({ pid, timestamp }: EngineLock): Promise<boolean> {
  const stat = await readProc(`${pid}/stat`);
  if (!/^\d+ \(pulumi\) [^Z]/.test(stat)) return false;
  // proc_pid_stat(5): field 22 is the start in ticks of 1/100 s after boot; proc_stat(5): btime is the boot.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const boot = Number(/^btime (\d+)$/m.exec(await readProc("stat"))?.[1]);
  return boot + ticks / 100 < Date.parse(timestamp) / 1000 + clockTolerance;
}

/** The boot is told in whole seconds, and clocks are set while machines run; in seconds. */
const clockTolerance = 5;

async function readProc(path: string): Promise<string> {
  return await readFile(`/proc/${path}`, "utf8").catch((error: NodeJS.ErrnoException) => {
    // ESRCH: it ended between open and read.
    if (error.code === "ENOENT" || error.code === "ESRCH") return "";
    throw error;
  });
}
