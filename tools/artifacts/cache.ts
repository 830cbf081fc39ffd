import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import type { LockedFile } from "../../formats/artifact-lock.ts";
import { type Content, describeFile, unlessAbsent } from "../lib/files.ts";
import { withLock } from "../lib/lock.ts";

/** Artifacts and the files of archives lie in one folder, each under the SHA-256 of its content. */
export interface Cache {
  readonly folder: string;
}

/** The cache of a project folder. */
export function cacheOf(project: string): Cache {
  return { folder: `${project}/.bramble/artifacts` };
}

/** Where the content lies, once it is there. */
export function cachedPath(cache: Cache, { sha256 }: Pick<LockedFile, "sha256">): string {
  return `${cache.folder}/${sha256}`;
}

/** Whether it is there, by its length alone: quick. What got its name was hashed before. */
export async function isCached(cache: Cache, file: LockedFile): Promise<boolean> {
  return (await stat(cachedPath(cache, file)).catch(unlessAbsent))?.size === file.bytes;
}

/** Hashes what is there; undefined where there is nothing. */
export async function hashCached(cache: Cache, file: LockedFile): Promise<string | undefined> {
  return (await describeFile(cachedPath(cache, file)).catch(unlessAbsent))?.sha256;
}

/** Where a file is made that is to get its name when it is whole. `name` is the same for what may be gone on with. */
export function partialPath(cache: Cache, name: string): string {
  return `${partials(cache)}/${name}`;
}

/** Gives a whole file its name, in one step. Its bytes must be on the disk already. */
export async function keep(cache: Cache, partial: string, content: Content): Promise<void> {
  await rename(partial, cachedPath(cache, content));
}

/** Removes what turned out to be wrong. */
export async function purge(cache: Cache, file: Pick<LockedFile, "sha256">): Promise<void> {
  await rm(cachedPath(cache, file), { force: true });
}

/** Prefix of partial files that no later run can go on with. */
export const scratch = "scratch-";

/** Does something with the cache, alone: one command at a time. */
export async function withCache<T>(cache: Cache, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(`${cache.folder}/busy.lock`, what, async () => {
    await mkdir(partials(cache), { recursive: true });
    await removeScratch(cache);
    try {
      return await work();
    } finally {
      await removeScratch(cache);
    }
  });
}

function partials(cache: Cache): string {
  return `${cache.folder}/partial`;
}

async function removeScratch(cache: Cache): Promise<void> {
  for (const name of await readdir(partials(cache))) {
    if (name.startsWith(scratch)) await rm(partialPath(cache, name), { force: true });
  }
}
