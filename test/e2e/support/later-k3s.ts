import { isBuilt, pin } from "../../../formats/artifact-lock.ts";
import { k3sArtifact, type LockedK3s, lockedK3s } from "../../../formats/k3s-bundle.ts";
import { localLockPath } from "../../../stacks/read-lock.ts";
import { cacheOf, isCached, withCache } from "../../../tools/artifacts/cache.ts";
import { readLocal, readLock, writeLock } from "../../../tools/artifacts/lock-file.ts";
import { buildBundle, buildInputs } from "../../../tools/k3s/build.ts";
import { machineK3sArch } from "../../../tools/k3s/obtain.ts";

/** What the later one says of itself. */
export const laterK3s = "v1.35.1+k3s1";

/**
 * A k3s that is later than the one with sources here, for tests of upgrades: the same sources, which say another version
 * of themselves. So it proves the order in which nodes are upgraded, and no migration of data. It is pinned in the lock
 * of the tests' machine, where nothing but the tests names it.
 */
export async function provideLaterK3s(
  project: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<LockedK3s> {
  const arch = machineK3sArch();
  const name = k3sArtifact(laterK3s, arch);
  const cache = cacheOf(project);
  await withCache(cache, "tests of k3s", async () => {
    const local = await readLocal(project);
    const before = Object.hasOwn(local.artifacts, name) ? local.artifacts[name] : undefined;
    const inputs = await buildInputs(project, laterK3s);
    if (before !== undefined && isBuilt(before) && before.inputs === inputs && (await isCached(cache, before))) return;
    const bundle = await buildBundle({ project, cache, version: laterK3s, signal, say });
    await writeLock(project, pin(local, name, bundle), localLockPath);
  });
  return lockedK3s(await readLock(project), laterK3s, arch);
}
