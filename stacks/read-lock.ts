import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ArtifactLock, emptyLock, lockPath, parseLock } from "../formats/artifact-lock.ts";

/**
 * The files that boards boot from, as the lock file beside the sites pins them; none where there is no such file.
 * `folder` is stacks/. @throws Error with everything that is wrong with the file.
 */
export async function readLock(folder: string): Promise<ArtifactLock> {
  const text = await readFile(join(folder, basename(lockPath)), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? emptyLock : parseLock(text);
}
