import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { identify, isRunning } from "./process.ts";

/** Who holds a lock, as written in its file. */
export interface LockHolder {
  /** What it is doing, as a user would say it: "bramble lab". */
  what: string;
  pid: number;
  start: string;
  boot: string;
  host: string;
  /** ISO 8601. */
  since: string;
  /** Tells two locks of one process apart. */
  id: string;
}

/** The lock is held by a running process; the message names it, its age and what to do. */
export class LockedError extends Error {
  readonly holder: LockHolder;
  constructor(path: string, holder: LockHolder, hint: string) {
    super(
      `${holder.what} has been at work here for ${age(holder.since)} (process ${holder.pid} on ${holder.host}). ${hint} [${path}]`,
    );
    this.name = "LockedError";
    this.holder = holder;
  }
}

/**
 * Runs fn while this process holds the lock file at path, and gives the lock back afterwards, also after an error.
 * A lock whose process has ended, or that is from before the machine's last boot, is taken over without a word.
 * @throws LockedError at once, when another running process (or this one) holds it.
 */
export async function withLock<T>(path: string, what: string, fn: () => Promise<T>): Promise<T> {
  const holder = await acquire(path, what);
  try {
    return await fn();
  } finally {
    if ((await readHolder(path))?.id === holder.id) await rm(path, { force: true });
  }
}

/** Who holds the lock now, or undefined: for `status`. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const holder = await readHolder(path);
  return holder !== undefined && isHeld(holder) ? holder : undefined;
}

async function acquire(path: string, what: string): Promise<LockHolder> {
  const me = identify(process.pid);
  if (me === undefined)
    throw new Error("this process cannot be found in the system's list of processes; is /proc mounted?");
  const mine: LockHolder = { what, ...me, host: hostname(), since: new Date().toISOString(), id: randomUUID() };
  await mkdir(dirname(path), { recursive: true });
  // Written aside and linked, so that the lock never exists half-written.
  const aside = `${path}.${mine.id}`;
  await writeFile(aside, `${JSON.stringify(mine)}\n`);
  try {
    while (!(await unlessThere(link(aside, path)))) {
      const other = await readHolder(path);
      if (other === undefined) continue;
      if (isHeld(other)) throw new LockedError(path, other, hintFor(other, path));
      await removeStale(path, other);
    }
  } finally {
    await rm(aside, { force: true });
  }
  return mine;
}

/**
 * Removes the lock of a dead process. Of several that see it at once only the one that makes the guard file removes,
 * and only after a second look: else the slower one would remove the lock that the faster one has just taken.
 */
async function removeStale(path: string, stale: LockHolder): Promise<void> {
  const guard = `${path}.over-${stale.id}`;
  if (!(await unlessThere(writeFile(guard, "", { flag: "wx" })))) {
    await removeGuardLeftBehind(guard);
    return;
  }
  try {
    if ((await readHolder(path))?.id === stale.id) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** A guard lives for less than a millisecond; one of a minute was left by a process that was killed right there. */
async function removeGuardLeftBehind(guard: string): Promise<void> {
  const made = await orUndefined(stat(guard));
  if (made !== undefined && Date.now() - made.mtimeMs > 60_000) await rm(guard, { force: true });
}

/** A lock made on another machine (a shared folder) cannot be judged from here, so it counts as held. */
function isHeld(holder: LockHolder): boolean {
  return holder.host !== hostname() || isRunning(holder);
}

function hintFor(holder: LockHolder, path: string): string {
  if (holder.host !== hostname()) return `If nothing runs there any more, delete ${path}.`;
  return `Wait until it has ended, or end it with \`kill ${holder.pid}\`, and try again.`;
}

async function readHolder(path: string): Promise<LockHolder | undefined> {
  const text = await orUndefined(readFile(path, "utf8"));
  if (text === undefined) return undefined;
  const parsed: unknown = parseJson(text);
  if (!isHolder(parsed))
    throw new Error(`${path} is not a lock that bramble wrote; delete it if no bramble command runs`);
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isHolder(value: unknown): value is LockHolder {
  if (typeof value !== "object" || value === null) return false;
  const texts = ["what", "start", "boot", "host", "since", "id"].every(
    (key) => typeof Reflect.get(value, key) === "string",
  );
  return texts && Number.isInteger(Reflect.get(value, "pid"));
}

/** How long ago a moment was, for people: "42 seconds", "3 hours". @param since ISO 8601 */
export function age(since: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

/** False when the thing to be made is there already. */
async function unlessThere(making: Promise<void>): Promise<boolean> {
  try {
    await making;
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
