import {
  type ArtifactSet,
  type Bundle,
  type FileArtifact,
  filesOf,
  isBuilt,
  isBundle,
  isSet,
  lockPath,
  updateCommand,
} from "../../formats/artifact-lock.ts";
import { parseK3sArtifact } from "../../formats/k3s-bundle.ts";
import { obtainLockedK3s } from "../k3s/release.ts";
import { AnswerError, DamagedError } from "../lib/download.ts";
import { megabytes } from "../lib/units.ts";
import { ArchiveError, unpack } from "./archive.ts";
import { type Cache, cachedPath, cacheOf, isCached, withCache } from "./cache.ts";
import { obtainLockedManifests } from "./csi-driver-nfs.ts";
import { failureOf } from "./failure.ts";
import { inParallel } from "./in-parallel.ts";
import { downloadOf, type Named, pinned, readLock, titleOf } from "./lock-file.ts";
import { obtainLocked } from "./obtain.ts";
import { type Show, sideBySide } from "./progress.ts";
import { type Mirrors, openUpstream, type Upstream } from "./upstream.ts";

export interface FetchOptions {
  readonly project: string;
  /** Which; none: all that the lock has. */
  readonly names: readonly string[];
  readonly mirrors: Mirrors;
  /** An address that has the packages as they are pinned: `http://10.0.0.2:8080/packages/<generation>`. */
  readonly packages?: string | undefined;
  readonly signal: AbortSignal;
  /** Shows no progress. */
  readonly quiet?: boolean;
  readonly say: (line: string) => void;
}

/**
 * Downloads what the lock names and the cache lacks. With nothing to do it asks nobody.
 * @throws Error that says for each artifact that failed why
 */
export async function fetchArtifacts({
  project,
  names,
  mirrors,
  packages,
  signal,
  quiet,
  say,
}: FetchOptions): Promise<void> {
  const cache = cacheOf(project);
  const wanted = pinned(await readLock(project), names);
  const missing = await lacking(wanted, cache);
  if (missing.length === 0) return say(`All is there: ${wanted.map(titleOf).join(", ")}.`);
  await withCache(cache, "bramble artifacts fetch", async () => {
    const upstream = openUpstream(mirrors, signal);
    const jobs = missing.map((each) => ({
      title: titleOf(each),
      run: (show: Show) => {
        const [name, artifact] = each;
        if (isSet(artifact)) return completeSet(name, artifact, packages ?? artifact.url, upstream, cache, show);
        if (isBundle(artifact)) return completeBundle(name, artifact, { upstream, cache, signal }, show);
        return complete(name, artifact, upstream, cache, signal, show);
      },
    }));
    const results = await sideBySide(jobs, quiet);
    signal.throwIfAborted();
    const failure = failureOf(missing.map(titleOf), results);
    if (failure !== undefined) throw failure;
    const bytes = missing.reduce((sum, [, artifact]) => sum + downloadOf(artifact), 0);
    say(`${missing.map(titleOf).join(", ")}: ${megabytes(bytes)}, checked against ${lockPath}.`);
  });
}

async function lacking(artifacts: readonly Named[], cache: Cache): Promise<readonly Named[]> {
  const whole = await Promise.all(
    artifacts.map(async ([, artifact]) => {
      const there = await Promise.all(filesOf(artifact).map(({ file }) => isCached(cache, file)));
      return there.every((each) => each);
    }),
  );
  return artifacts.filter((_, index) => !whole[index]);
}

/** The packages of a set that the cache lacks. */
async function completeSet(
  name: string,
  set: ArtifactSet,
  base: string,
  upstream: Upstream,
  cache: Cache,
  show: Show,
): Promise<void> {
  const total = downloadOf(set);
  let done = 0;
  await inParallel(Object.entries(set.files), async ([path, file]) => {
    const url = `${base}/${path}`;
    await obtainLocked({ url, ...file }, upstream, cache, { text: () => {}, bytes: () => {} }).catch(
      (error: unknown) => {
        const isGone = error instanceof DamagedError || (error instanceof AnswerError && error.status === 404);
        throw isGone ? new Error(`${error.message}\n${waysToPackages(name)}`) : error;
      },
    );
    done += file.bytes;
    show.bytes(done, total);
  });
}

/** A bundle is packed again from the parts that are pinned. One that was built here is not built by the way. */
async function completeBundle(
  name: string,
  bundle: Bundle,
  { upstream, cache, signal }: { upstream: Upstream; cache: Cache; signal: AbortSignal },
  show: Show,
): Promise<void> {
  const k3s = parseK3sArtifact(name);
  if (isBuilt(bundle)) throw new Error(`it was built on a machine, and is not here: ${updateCommand(name)}`);
  if (k3s === undefined) return obtainLockedManifests(bundle, upstream, cache, show);
  return obtainLockedK3s(bundle, k3s.arch, { upstream, cache, signal }, show);
}

const waysToPackages = (name: string) => `Alpine keeps only the newest packages of a branch. Either
  - pin those that it has now: ${updateCommand(name)}, or
  - have the pinned ones from a boot server that boots boards with them: --packages http://SERVER:8080/packages/GENERATION,
    as in alpine_repo= of a board's /proc/cmdline, or
  - copy the folder .bramble/artifacts from a machine that has them, into this project.`;

async function complete(
  name: string,
  artifact: FileArtifact,
  upstream: Upstream,
  cache: Cache,
  signal: AbortSignal,
  show: Show,
): Promise<void> {
  const title = titleOf([name, artifact]);
  const { url, sha256, bytes, files } = artifact;
  if (url !== undefined) await obtainLocked({ url, sha256, bytes }, upstream, cache, show);
  else if (!(await isCached(cache, artifact))) {
    throw new Error(
      `somebody brought this file, so that nobody knows where it can be had. Copy .bramble/artifacts/${sha256} from ` +
        `the machine that has it, or give the file: npm run bramble -- artifacts add ${name} FILE --version ${artifact.version}`,
    );
  }
  if (files === undefined) return;
  show.text("unpacking");
  const unpacked = await unpack(
    cachedPath(cache, artifact),
    title,
    (path) => Object.hasOwn(files, path),
    cache,
    signal,
  );
  for (const [path, locked] of Object.entries(files)) {
    const found = Object.hasOwn(unpacked.files, path) ? unpacked.files[path] : undefined;
    if (found?.sha256 === locked.sha256) continue;
    throw new ArchiveError(
      `${path} in the archive has SHA-256 ${found?.sha256 ?? "(there is no such file)"}, and ${locked.sha256} is pinned ` +
        `although the archive is the right one. The lock was changed by hand: run \`${updateCommand(name)}\``,
    );
  }
}
