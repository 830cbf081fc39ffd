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
import { readCommittedLock, readLocalLock, readLock as readLockIn } from "../../stacks/read-lock.ts";

/** All that is pinned in a project folder and on this machine; an empty lock where there is no file. */
export function readLock(project: string): Promise<ArtifactLock> {
  return readLockIn(`${project}/stacks`);
}

/** What is pinned for everybody: the lock that is committed. */
export function readCommitted(project: string): Promise<ArtifactLock> {
  return readCommittedLock(`${project}/stacks`);
}

/** What is pinned on this machine alone. */
export function readLocal(project: string): Promise<ArtifactLock> {
  return readLocalLock(`${project}/stacks`);
}

/** Replaces a lock of a project folder in one step: the one that is committed, or the one at `file`. */
export async function writeLock(project: string, lock: ArtifactLock, file = lockPath): Promise<void> {
  const path = `${project}/${file}`;
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
