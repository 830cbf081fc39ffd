import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { isBundle } from "../../formats/artifact-lock.ts";
import type { LockedK3s } from "../../formats/k3s-bundle.ts";
import { localLockPath } from "../../stacks/read-lock.ts";
import { cachedPath, cacheOf } from "../../tools/artifacts/cache.ts";
import { readLocal } from "../../tools/artifacts/lock-file.ts";
import { ensureK3s } from "../../tools/k3s/ensure.ts";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { projectRoot } from "../../tools/lib/paths.ts";

/** Gets k3s for the tests, which takes minutes on a machine that never had it and can't download it. */
export async function ensureTestK3s(): Promise<LockedK3s> {
  return await ensureK3s({
    project: projectRoot,
    version: sourceVersion,
    signal: new AbortController().signal,
    say: console.log,
  });
}

/** Gives another clone of the project the releases of k3s that this one has got for itself, without copying them. */
export async function shareReleases(folder: string): Promise<void> {
  const { artifacts } = await readLocal(projectRoot);
  const bundles = Object.values(artifacts).filter(isBundle);
  if (bundles.length === 0) throw new Error(`k3s ${sourceVersion} is not here: npm test gets it before its tests`);
  const cache = cacheOf(folder);
  await mkdir(cache.folder, { recursive: true });
  await copyFile(join(projectRoot, localLockPath), join(folder, localLockPath));
  for (const bundle of bundles) await symlink(cachedPath(cacheOf(projectRoot), bundle), cachedPath(cache, bundle));
}
