import {
  type Artifact,
  type ArtifactLock,
  type FileArtifact,
  isBuilt,
  isBundle,
  isReleased,
  isSet,
  type LockedFile,
  lockPath,
  pin,
  printLock,
  updateCommand,
} from "../../formats/artifact-lock.ts";
import { k3sArtifact } from "../../formats/k3s-bundle.ts";
import { localLockPath } from "../../stacks/read-lock.ts";
import { obtainK3s } from "../k3s/obtain.ts";
import { sourceVersion } from "../k3s/programs.ts";
import { table } from "../lib/table.ts";
import { megabytes } from "../lib/units.ts";
import { branchFor, differs, findPackages, obtainPackages } from "./alpine-packages.ts";
import { unpackSelection } from "./archive.ts";
import { type Cache, cachedPath, cacheOf, withCache } from "./cache.ts";
import { obtainManifests } from "./csi-driver-nfs.ts";
import { failureOf } from "./failure.ts";
import {
  type KnownArtifact,
  type KnownFile,
  type KnownK3s,
  type KnownManifests,
  type KnownPackages,
  known,
  knownArtifact,
  type Release,
} from "./known.ts";
import { downloadOf, readCommitted, readLocal, writeLock } from "./lock-file.ts";
import { obtainRelease } from "./obtain.ts";
import { type Show, sideBySide } from "./progress.ts";
import { trustedKeys } from "./trusted-keys.ts";
import { type Mirrors, openUpstream, type Upstream } from "./upstream.ts";
import type { Wanted } from "./wanted.ts";

export interface UpdateOptions {
  readonly project: string;
  /** Which; none: those in the lock that upstream is known for, or all known ones where the lock has none of them. */
  readonly names: readonly string[];
  /** Instead of the newest, for one artifact. */
  readonly version?: string | undefined;
  /** Only says what is newer. */
  readonly check?: boolean;
  readonly mirrors: Mirrors;
  /** The packages that are wanted, for artifacts that are sets of packages. */
  readonly wanted: Wanted;
  /** Files of keys that are trusted like Alpine's own. */
  readonly keys?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Shows no progress. */
  readonly quiet?: boolean;
  readonly say: (line: string) => void;
}

/** An artifact with its entry before and after; what failed has no change. */
interface Change {
  readonly name: string;
  readonly before: Artifact | undefined;
  readonly isNew: boolean;
  /** What is there now, for people. */
  readonly now: string;
  /** Missing when only asked. */
  readonly after?: Artifact;
}

/** What every job needs. */
interface Task extends UpdateOptions {
  readonly upstream: Upstream;
  readonly cache: Cache;
}

/**
 * Pins what upstream publishes now, or the given version: downloads it, checks it against what its maker says, hashes
 * the files of archives and writes the lock. An artifact that fails keeps its entry.
 * @returns false when only asked, and something is newer
 * @throws Error that says for each artifact that failed why
 */
export async function updateArtifacts(options: UpdateOptions): Promise<boolean> {
  const { project, check = false, signal, quiet, say, version } = options;
  const cache = cacheOf(project);
  return withCache(cache, "bramble artifacts update", async () => {
    const lock = await readCommitted(project);
    const names = chosen(options, lock);
    if (version !== undefined && names.length !== 1) throw new Error("--version goes with the name of one artifact");
    const task = { ...options, upstream: openUpstream(options.mirrors, signal), cache };
    const files = names.flatMap(([name, artifact]) => ("release" in artifact ? [{ name, artifact }] : []));
    const bundles = names.flatMap(([name, artifact]) => ("manifests" in artifact ? [{ name, artifact }] : []));
    const sets = names.flatMap(([name, artifact]) => ("packages" in artifact ? [{ name, artifact }] : []));
    const ofFiles = await sideBySide(
      [
        ...files.map(({ name, artifact }) => ({
          title: name,
          run: (show: Show) => updateFile(name, artifact, lock, task, show),
        })),
        ...bundles.map(({ name, artifact }) => ({
          title: name,
          run: (show: Show) => updateManifests(name, artifact, lock, task, show),
        })),
      ],
      quiet,
    );
    // Packages are those of the system's branch, which may just have become another one.
    const between = withChanges(lock, ofFiles);
    const ofSets = await sideBySide(
      sets.map(({ name, artifact }) => ({
        title: name,
        run: (show) => updateSet(name, artifact, between, task, show),
      })),
      quiet,
    );
    const k3s = names.flatMap(([name, artifact]) => ("k3s" in artifact ? [{ name, artifact }] : []));
    const ofK3s: PromiseSettledResult<Change>[] = [];
    // One after the other: each uses all that the network or the processors give.
    for (const { name, artifact } of k3s) ofK3s.push(...(await Promise.allSettled([updateK3s(name, artifact, task)])));
    const results = [...ofFiles, ...ofSets, ...ofK3s];
    const next = withChanges(between, [...ofSets, ...ofK3s].filter(isForEverybody));
    // What was finished before an interruption counts.
    const written = !check && printLock(next) !== printLock(lock);
    if (written) await writeLock(project, next);
    signal.throwIfAborted();
    const changes = changesIn(results);
    describe(changes, say);
    const failure = failureOf(
      [...files, ...bundles, ...sets, ...k3s].map(({ name }) => name),
      results,
    );
    if (failure !== undefined) throw failure;
    if (written) say(`${lockPath} is written. Look at what changed in it, and commit it.`);
    return !check || changes.every(({ isNew }) => !isNew);
  });
}

async function updateFile(
  name: string,
  artifact: KnownFile,
  lock: ArtifactLock,
  task: Task,
  show: Show,
): Promise<Change> {
  const { upstream, cache, version, signal, check } = task;
  const before = lock.artifacts[name];
  const pinned = before === undefined || isSet(before) || isBundle(before) ? undefined : before;
  const release = await artifact.release(upstream, version);
  const isNew = before?.version !== release.version;
  const change = { name, before, isNew, now: isNew ? release.version : "the same" };
  if (check) return change;
  const content = await obtainRelease(release, pinned, upstream, cache, show);
  const title = `${name} ${release.version}`;
  const unpacked =
    artifact.files && (await unpackSelection(cachedPath(cache, content), title, artifact.files, cache, signal));
  return { ...change, after: entry(release, pinned, content, unpacked?.files) };
}

async function updateManifests(
  name: string,
  artifact: KnownManifests,
  lock: ArtifactLock,
  { upstream, cache, version, check }: Task,
  show: Show,
): Promise<Change> {
  const before = lock.artifacts[name];
  const published = await artifact.manifests(upstream, version);
  const isNew = before?.version !== published.version;
  const change = { name, before, isNew, now: isNew ? published.version : "the same" };
  if (check) return change;
  const pinned = before !== undefined && isReleased(before) ? before : undefined;
  return { ...change, after: await obtainManifests(published, pinned, upstream, cache, show) };
}

/** A version of k3s never changes, so that there is nothing newer of it. What was built is pinned on this machine alone. */
async function updateK3s(name: string, { k3s }: KnownK3s, task: Task): Promise<Change> {
  const { project, say, quiet, version, check } = task;
  if (version !== undefined && version !== k3s.version)
    throw new Error(`the version of a k3s is in its name: ${updateCommand(k3sArtifact(version, k3s.arch))}`);
  const [committed, local] = await Promise.all([readCommitted(project), readLocal(project)]);
  const before = committed.artifacts[name] ?? local.artifacts[name];
  if (check) return { name, before, isNew: before === undefined, now: before === undefined ? k3s.version : "the same" };
  const after = await obtainK3s({ ...task, ...k3s, pinned: before, quiet });
  const isNew = before === undefined || isSet(before) || before.sha256 !== after.sha256;
  if (isBuilt(after) && isNew) {
    await writeLock(project, pin(local, name, after), localLockPath);
    say(`${name} was built here, and is pinned on this machine alone, in ${localLockPath}.`);
  }
  return { name, before, isNew, now: isNew ? k3s.version : "the same", after };
}

/** What was built has another hash on each machine: the lock that all share does not get it. */
function isForEverybody(result: PromiseSettledResult<Change>): boolean {
  return !(result.status === "fulfilled" && result.value.after !== undefined && isBuilt(result.value.after));
}

async function updateSet(
  name: string,
  { packages: arch }: KnownPackages,
  lock: ArtifactLock,
  task: Task,
  show: Show,
): Promise<Change> {
  const { upstream, cache, wanted, keys: own = [] } = task;
  const pinned = lock.artifacts[name];
  const before = pinned !== undefined && isSet(pinned) ? pinned : undefined;
  const version = branchFor(lock, task.version);
  const keys = await trustedKeys(arch, own);
  const request = { arch, version, before, wanted: wanted(arch), keys, upstream, cache, show };
  const found = await findPackages(request);
  const isNew = differs(found, before);
  const now = isNew ? `${version}, ${found.packages.size} packages` : "the same";
  const change = { name, before: pinned, isNew, now };
  return task.check ? change : { ...change, after: await obtainPackages(found, request) };
}

function changesIn(results: readonly PromiseSettledResult<Change>[]): readonly Change[] {
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function withChanges(lock: ArtifactLock, results: readonly PromiseSettledResult<Change>[]): ArtifactLock {
  return changesIn(results).reduce(
    (each, { name, after }) => (after === undefined ? each : pin(each, name, after)),
    lock,
  );
}

/** Without names: what is pinned, or all where nothing is; of packages those that somebody wants. */
function chosen({ names, wanted }: UpdateOptions, lock: ArtifactLock): readonly (readonly [string, KnownArtifact])[] {
  if (names.length === 0) {
    const isPinned = (name: string) => Object.hasOwn(lock.artifacts, name);
    const isNew = ![...known.keys()].some(isPinned);
    return [...known].filter(([name, artifact]) => {
      if ("packages" in artifact) return isPinned(name) || wanted(artifact.packages).length > 0;
      return isPinned(name) || (isNew && "release" in artifact);
    });
  }
  return [...new Set(names)].map((name) => {
    const artifact = knownArtifact(name);
    if (artifact !== undefined) return [name, artifact] as const;
    throw new Error(
      `Bramble does not know where ${name} is published; it knows ${[...known.keys()].join(", ")}, and each k3s by a ` +
        `name such as ${k3sArtifact(sourceVersion, "x86_64")}. ` +
        `A file that you have is pinned by: npm run bramble -- artifacts add ${name} FILE --version VERSION`,
    );
  });
}

/** The same content under the same version stays as it was pinned, whichever address names it now. */
function entry(
  { version, released, url }: Release,
  before: FileArtifact | undefined,
  { sha256, bytes }: LockedFile,
  files: FileArtifact["files"],
): FileArtifact {
  const same = before?.version === version && before.sha256 === sha256 ? before : undefined;
  const when = same?.released ?? released;
  return {
    version,
    ...(when === undefined ? {} : { released: when }),
    url: same?.url ?? url,
    sha256,
    bytes,
    ...(files === undefined ? {} : { files }),
  };
}

function describe(changes: readonly Change[], say: (line: string) => void): void {
  if (changes.length === 0) return;
  const rows = changes.map(({ name, before, now, after }) => [
    name,
    before?.version ?? "-",
    now,
    after === undefined ? "" : megabytes(downloadOf(after)),
    after?.released ?? "",
    after === undefined || isSet(after) ? "" : `${after.sha256.slice(0, 12)}…`,
  ]);
  table([["ARTIFACT", "BEFORE", "NOW", "SIZE", "RELEASED", "SHA-256"], ...rows], say);
}
