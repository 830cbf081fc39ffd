import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type Artifact,
  type ArtifactLock,
  isSet,
  lockedArtifact,
  lockPath,
  printLock,
} from "../../formats/artifact-lock.ts";
import { readLock as readLockIn } from "../../stacks/read-lock.ts";

/** The lock of a project folder; an empty one where there is no file. */
export function readLock(project: string): Promise<ArtifactLock> {
  return readLockIn(`${project}/stacks`);
}

/** Replaces the lock of a project folder in one step. */
export async function writeLock(project: string, lock: ArtifactLock): Promise<void> {
  const path = `${project}/${lockPath}`;
  const aside = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(aside, printLock(lock), { flush: true });
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

/** An entry of the lock. */
export type Named = readonly [name: string, artifact: Artifact];

/** An entry as messages call it: "alpine-rpi 3.24.4". */
export function titleOf([name, { version }]: Named): string {
  return `${name} ${version}`;
}

/** How many bytes are downloaded for it. */
export function downloadOf(artifact: Artifact): number {
  if (!isSet(artifact)) return artifact.bytes;
  return Object.values(artifact.files).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The entries of these names, or all. @throws Error for a name that the lock does not have, and for an empty lock */
export function pinned(lock: ArtifactLock, names: readonly string[]): readonly Named[] {
  for (const name of names) lockedArtifact(lock, name);
  const all = Object.entries(lock.artifacts);
  if (all.length === 0)
    throw new Error(`${lockPath} pins nothing yet. Begin with: npm run bramble -- artifacts update`);
  return names.length === 0 ? all : all.filter(([name]) => names.includes(name));
}
