import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stackEnvironment } from "./pulumi.ts";

/** What the engine writes into a lock of its file backend. */
interface EngineLock {
  pid: number;
  hostname: string;
  timestamp: string;
}

/**
 * Removes the locks that an engine which was killed on this machine left on a stack, and says so. Locks of running
 * processes and of other machines stay: the engine then refuses and names them. Only the file backend is looked at;
 * with others the engine's message leads to `pulumi cancel`.
 */
export async function removeStaleLocks(stack: string): Promise<void> {
  const backend = stackEnvironment(stack).PULUMI_BACKEND_URL;
  if (backend === undefined || !backend.startsWith("file:///")) return;
  const folder = join(fileURLToPath(backend), ".pulumi/locks/organization/bramble", stack);
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const lock: EngineLock = JSON.parse(await readFile(path, "utf8"));
    if (lock.hostname !== hostname() || (await isEngine(lock.pid))) continue;
    await rm(path);
    console.error(
      `The run that held the lock on ${stack} since ${lock.timestamp} was killed (process ${lock.pid}); its lock is removed.`,
    );
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** Whether a process of that number runs and is the engine: numbers are used again. */
async function isEngine(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return name.trim() === "pulumi";
}
