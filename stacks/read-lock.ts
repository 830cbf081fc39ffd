import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ArtifactLock, emptyLock, lockPath, parseLock } from "../formats/artifact-lock.ts";

/**
 * What this machine alone pins, from the project's root: what it built itself, which has another hash on other machines,
 * and what the lab got. It is not committed.
 */
export const localLockPath = ".bramble/artifacts.lock.json";

/**
 * The files that sites need, as the lock file beside the sites pins them, and what this machine pins besides; none where
 * there are no such files. `folder` is stacks/. @throws Error with everything that is wrong with a file.
 */
export async function readLock(folder: string): Promise<ArtifactLock> {
  const [committed, local] = await Promise.all([readCommittedLock(folder), readLocalLock(folder)]);
  return { ...committed, artifacts: { ...local.artifacts, ...committed.artifacts } };
}

/** Only what the lock file beside the sites pins. @throws Error like {@link readLock} */
export function readCommittedLock(folder: string): Promise<ArtifactLock> {
  return read(join(folder, basename(lockPath)), lockPath);
}

/** Only what this machine pins. @throws Error like {@link readLock} */
export function readLocalLock(folder: string): Promise<ArtifactLock> {
  return read(join(folder, "..", localLockPath), localLockPath);
}

async function read(path: string, name: string): Promise<ArtifactLock> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? emptyLock : parseLock(text, name);
}
