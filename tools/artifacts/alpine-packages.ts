import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { apkClosure, type ClosurePackage, type WantedWord } from "../../formats/apk-closure.ts";
import { ApkFormatError } from "../../formats/apk-container.ts";
import { apkFileName, parseApkIndex } from "../../formats/apk-index.ts";
import { type ApkKeys, ApkSignatureError, verifiedIndex, verifyPackage } from "../../formats/apk-signature.ts";
import { type ArtifactLock, type ArtifactSet, isSet, type LockedFile } from "../../formats/artifact-lock.ts";
import { nearest } from "../../site/nearest.ts";
import { AnswerError, DamagedError } from "../lib/download.ts";
import type { Content } from "../lib/files.ts";
import { branchOf } from "./alpine.ts";
import { type Cache, cachedPath, hashCached, isCached, keep, partialPath, purge, scratch } from "./cache.ts";
import { inParallel } from "./in-parallel.ts";
import type { AlpineArch } from "./known.ts";
import type { Show } from "./progress.ts";
import { makers, type Upstream } from "./upstream.ts";
import type { World } from "./wanted.ts";

/** Repositories in the order in which boards have them. Testing is in no branch. */
const repositories = ["main", "community"] as const;

/** What Alpine's initramfs installs besides what an image asks for (reference alpine-boot.md 1.4). */
const bootWords: readonly WantedWord[] = [
  { word: "alpine-base", where: "every Alpine that boots over the network" },
  { word: "openssl", where: "every Alpine that boots over the network" },
];

export interface PackagesRequest {
  readonly arch: AlpineArch;
  /** A branch: `v3.24`. */
  readonly version: string;
  /** The entry that the lock has. */
  readonly before: ArtifactSet | undefined;
  readonly wanted: readonly World[];
  readonly keys: ApkKeys;
  readonly upstream: Upstream;
  readonly cache: Cache;
  readonly show: Show;
}

/** What is to be pinned, before packages are downloaded. */
export interface FoundPackages {
  readonly version: string;
  readonly url: string;
  readonly world: readonly string[];
  readonly indexes: readonly FoundIndex[];
  /** By path. */
  readonly packages: ReadonlyMap<string, ClosurePackage>;
}

interface FoundIndex {
  readonly path: string;
  readonly partial: string;
  readonly content: Content;
}

/** The branch of packages that goes with the pinned system, or the given one. @throws Error where there is neither */
export function branchFor(lock: ArtifactLock, version: string | undefined): string {
  if (version !== undefined) {
    if (/^v\d+\.\d+$/.test(version)) return version;
    throw new Error(`Packages have a branch of Alpine as their version, such as v3.24, not ${JSON.stringify(version)}`);
  }
  const system = lock.artifacts["alpine-rpi"];
  if (system !== undefined && !isSet(system)) return branchOf(system.version);
  throw new Error(
    "the packages' branch follows from alpine-rpi, which is not pinned: pin that too, or give --version v3.24",
  );
}

/**
 * Downloads the signed indexes of a branch, and finds the packages that are needed for what is wanted.
 * @throws Error that says what is wrong with an index, or each thing that is in the way of what is wanted
 */
export async function findPackages(request: PackagesRequest): Promise<FoundPackages> {
  const { arch, version, wanted } = request;
  const url = `${makers.alpine}/${version}`;
  const found = await Promise.all(
    repositories.map((name) => fetchIndex(`${name}/${arch}/APKINDEX.tar.gz`, url, request)),
  );
  const indexes = repositories.map((name, at) => ({ name, packages: found[at]?.packages ?? [] }));
  // Each kind of machine by itself: what one has may be in the way of what another one has.
  const worlds = (wanted.length === 0 ? [[]] : wanted).map((world) => [...bootWords, ...world]);
  const closures = worlds.map((world) => apkClosure(world, indexes, nearest));
  const problems = new Set(closures.flatMap((closure) => (closure.kind === "impossible" ? closure.problems : [])));
  if (problems.size > 0)
    throw new Error(
      [`Alpine ${version} cannot give what is wanted:`, ...[...problems].map((each) => `  ${each}`)].join("\n"),
    );
  const packages = closures.flatMap((closure) =>
    closure.kind === "found"
      ? closure.packages.map((each) => [`${each.repository}/${arch}/${apkFileName(each.package)}`, each] as const)
      : [],
  );
  return {
    version,
    url,
    world: [...new Set(worlds.flat().map(({ word }) => word))].sort(),
    indexes: found.map(({ index }) => index),
    packages: new Map(packages),
  };
}

/** Whether the lock's entry has other packages than these. */
export function differs({ version, packages }: FoundPackages, before: ArtifactSet | undefined): boolean {
  if (before === undefined || before.version !== version) return true;
  const pinned = Object.keys(before.files).filter((path) => path.endsWith(".apk"));
  return pinned.length !== packages.size || pinned.some((path) => !packages.has(path));
}

/**
 * Downloads the packages that the cache lacks, holds each against the index, and gives the entry for the lock.
 * @throws Error, also where a package that is pinned has other content now
 */
export async function obtainPackages(found: FoundPackages, request: PackagesRequest): Promise<ArtifactSet> {
  const { cache, show } = request;
  const files: Record<string, LockedFile> = {};
  const meter = packagesMeter(found, show);
  await inParallel([...found.packages], async ([path, each]) => {
    const { sha256, bytes } = await obtainPackage(path, each, found, request, (done) => meter(path, done));
    files[path] = { sha256, bytes };
    meter(path, bytes);
  });
  for (const { path, partial, content } of found.indexes) {
    await keep(cache, partial, content);
    files[path] = content;
  }
  return { version: found.version, url: found.url, world: [...found.world], files };
}

async function fetchIndex(path: string, base: string, { arch, version, keys, upstream, cache, show }: PackagesRequest) {
  const url = `${base}/${path}`;
  const partial = partialPath(cache, `${scratch}${randomUUID()}`);
  show.text(`reading the index from ${upstream.host(url)}`);
  const content = await upstream.file(url, partial, { most: 200_000_000 }).catch((error: unknown) => {
    if (error instanceof AnswerError && error.status === 404)
      throw new Error(`Alpine has no packages of ${version} for ${arch}: there is no ${url}`);
    throw error;
  });
  try {
    const packages = parseApkIndex(await verifiedIndex(await readFile(partial), keys));
    return { packages, index: { path, partial, content } };
  } catch (error) {
    if (error instanceof ApkSignatureError)
      throw new Error(`${url} ${error.message}. Nothing of it is used. A mirror's own key is trusted by --key FILE`);
    if (error instanceof ApkFormatError) throw new Error(`${url} ${error.message}`);
    throw error;
  }
}

async function obtainPackage(
  path: string,
  { package: listed }: ClosurePackage,
  { version, url: base }: FoundPackages,
  { before, upstream, cache }: PackagesRequest,
  onBytes: (bytes: number) => void,
): Promise<Content> {
  const url = `${base}/${path}`;
  // Another branch may have built the same version again.
  const pinned = before?.version === version && Object.hasOwn(before.files, path) ? before.files[path] : undefined;
  if (pinned !== undefined && (await isWhole(cache, pinned))) {
    await check(cachedPath(cache, pinned), (error) => changed(url, `it ${error.message}`));
    return pinned;
  }
  // Named after what it is to become, so that a later run goes on with the right one.
  const partial = partialPath(cache, Buffer.from(listed.checksum.slice(2), "base64").toString("hex"));
  const content = await upstream
    .file(url, partial, { resume: true, most: 2 * listed.size + 1_000_000, onBytes })
    .catch((error: unknown) => {
      if (error instanceof AnswerError && error.status === 404)
        throw new Error(`${error.message}, although its index names it; the mirror is being changed: try again later`);
      throw error;
    });
  try {
    await check(partial, (error) => new DamagedError(`${url} ${error.message}. Nothing is pinned`));
    if (pinned !== undefined && pinned.sha256 !== content.sha256)
      throw changed(url, `SHA-256 ${content.sha256}, pinned ${pinned.sha256}`);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await keep(cache, partial, content);
  return content;

  async function check(file: string, explain: (error: Error) => Error): Promise<void> {
    try {
      await verifyPackage(await readFile(file), listed);
    } catch (error) {
      throw error instanceof ApkSignatureError || error instanceof ApkFormatError ? explain(error) : error;
    }
  }
}

/** Whether it is there and not damaged; what is damaged is removed. */
async function isWhole(cache: Cache, file: LockedFile): Promise<boolean> {
  if (!(await isCached(cache, file))) return false;
  if ((await hashCached(cache, file)) === file.sha256) return true;
  await purge(cache, file);
  return false;
}

function changed(url: string, how: string): Error {
  return new DamagedError(
    `${url}: what is published under this name has changed: ${how}. That should never happen; find out why before you ` +
      "take the entry out of the lock and update again",
  );
}

/** Shows the bytes of all packages together. */
function packagesMeter({ packages }: FoundPackages, show: Show): (path: string, bytes: number) => void {
  const total = [...packages.values()].reduce((sum, { package: { size } }) => sum + size, 0);
  const done = new Map<string, number>();
  let sum = 0;
  show.text(`${packages.size} packages`);
  return (path, bytes) => {
    sum += bytes - (done.get(path) ?? 0);
    done.set(path, bytes);
    show.bytes(sum, total);
  };
}
