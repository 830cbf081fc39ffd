import { env } from "node:process";
import { type ArtifactLock, type Bundle, isBundle, isReleased, pin } from "../../formats/artifact-lock.ts";
import { type K3sArch, k3sArtifact, type LockedK3s, lockedK3s } from "../../formats/k3s-bundle.ts";
import { localLockPath } from "../../stacks/read-lock.ts";
import { type Cache, cacheOf, isCached, withCache } from "../artifacts/cache.ts";
import { readCommitted, readLocal, readLock, writeLock } from "../artifacts/lock-file.ts";
import { type Show, sideBySide } from "../artifacts/progress.ts";
import { type Mirrors, mirrorsFrom, openUpstream } from "../artifacts/upstream.ts";
import { buildInputs } from "./build.ts";
import { machineK3sArch, obtainK3s } from "./obtain.ts";
import { obtainLockedK3s } from "./release.ts";

export interface EnsureOptions {
  readonly project: string;
  readonly version: string;
  /** This machine's, where nothing is said. */
  readonly arch?: K3sArch;
  readonly mirrors?: Mirrors;
  readonly signal: AbortSignal;
  readonly quiet?: boolean;
  readonly say: (line: string) => void;
}

/**
 * A k3s that is pinned and on this machine: what the lock beside the sites names, else what this machine has or gets for
 * itself, which it pins in a lock of its own. With nothing to do it asks nobody.
 */
export async function ensureK3s(options: EnsureOptions): Promise<LockedK3s> {
  const { project, version, arch = machineK3sArch(), signal, quiet, say } = options;
  const name = k3sArtifact(version, arch);
  const cache = cacheOf(project);
  const lock = await readLock(project);
  if (await isThere(bundleOf(lock, name), project, cache)) return lockedK3s(lock, version, arch);
  await withCache(cache, "bramble k3s", async () => {
    const upstream = openUpstream(options.mirrors ?? mirrorsFrom(env), signal);
    const committed = bundleOf(await readCommitted(project), name);
    if (committed !== undefined && isReleased(committed)) {
      const download = { upstream, cache, signal };
      const run = (show: Show) => obtainLockedK3s(committed, arch, download, show);
      const [result] = await sideBySide([{ title: name, run }], quiet);
      signal.throwIfAborted();
      if (result?.status === "rejected") throw result.reason;
      return;
    }
    const local = await readLocal(project);
    const pinned = bundleOf(local, name);
    const bundle = await obtainK3s({ project, version, arch, pinned, upstream, cache, signal, quiet, say });
    await writeLock(project, pin(local, name, bundle), localLockPath);
  });
  return lockedK3s(await readLock(project), version, arch);
}

function bundleOf({ artifacts }: ArtifactLock, name: string): Bundle | undefined {
  const artifact = Object.hasOwn(artifacts, name) ? artifacts[name] : undefined;
  return artifact !== undefined && isBundle(artifact) ? artifact : undefined;
}

/** What was built is there as long as it would be built from the same. */
async function isThere(bundle: Bundle | undefined, project: string, cache: Cache): Promise<boolean> {
  if (bundle === undefined || !(await isCached(cache, bundle))) return false;
  return isReleased(bundle) || bundle.inputs === (await buildInputs(project, bundle.version));
}
