import type { ReleasedBundle } from "../../formats/artifact-lock.ts";
import type { K3sArch } from "../../formats/k3s-bundle.ts";
import { type Cache, cachedPath, isCached, keep, partialPath, purge, scratch } from "../artifacts/cache.ts";
import { obtainLocked, obtainRelease } from "../artifacts/obtain.ts";
import type { Show } from "../artifacts/progress.ts";
import { makers, type Upstream } from "../artifacts/upstream.ts";
import { DamagedError, findChecksum } from "../lib/download.ts";
import type { Content } from "../lib/files.ts";
import { type BundleEntry, packBundle, programLinks } from "./pack.ts";

/** What packing a release needs. */
export interface Downloading {
  readonly upstream: Upstream;
  readonly cache: Cache;
  readonly signal: AbortSignal;
}

/** A release's parts with their published hashes (reference k3s-and-slurm.md A.1). */
export interface PublishedK3s {
  readonly version: string;
  readonly url: string;
  /** SHA-256 in hex by file name. */
  readonly sums: ReadonlyMap<string, string>;
}

/**
 * Asks for the hashes of a release, a small file.
 * @throws UnreachableError within seconds; Error where there is no such release, or it lacks a file
 */
export async function publishedK3s(version: string, arch: K3sArch, upstream: Upstream): Promise<PublishedK3s> {
  // A + in a path is a + by RFC 3986, but GitHub's storage takes it for a space.
  const url = `${makers.github}/k3s-io/k3s/releases/download/${encodeURIComponent(version)}`;
  const list = `${url}/sha256sum-${goArch(arch)}.txt`;
  const text = await upstream.text(list);
  if (text === undefined)
    throw new Error(
      `k3s-io/k3s has published no ${version}: there is no ${list}. Its versions are at https://github.com/k3s-io/k3s/releases`,
    );
  const sums = partsOf(arch).map(({ name }): [string, string] => {
    const sum = findChecksum(text, name);
    if (sum === undefined) throw new Error(`${list} does not list ${name}`);
    return [name, sum];
  });
  return { version, url, sums: new Map(sums) };
}

/**
 * Downloads a release's parts, holds them against their hashes and packs them. What is pinned for the same version must
 * be the same still. The parts themselves are not kept: all of them is in the bundle.
 */
export async function obtainReleasedK3s(
  { version, url, sums }: PublishedK3s,
  arch: K3sArch,
  pinned: ReleasedBundle | undefined,
  { upstream, cache, signal }: Downloading,
  show: Show,
): Promise<ReleasedBundle> {
  const before = pinned?.version === version ? pinned : undefined;
  const same = [...sums].every(([name, sum]) => before?.parts[name]?.sha256 === sum);
  if (before !== undefined && same && (await isCached(cache, before))) return before;
  const parts: Record<string, Content> = {};
  for (const [name, hex] of sums) {
    const part = before?.parts[name];
    const release = { version, url: `${url}/${name}`, published: { kind: "sha256", hex } } as const;
    parts[name] = await obtainRelease(release, part && { version, ...part }, upstream, cache, show);
  }
  show.text("packing");
  return { version, url, ...(await packParts(parts, arch, cache, signal)), parts };
}

/** The bundle that the lock names, from its parts. @throws DamagedError where it comes out otherwise */
export async function obtainLockedK3s(
  { url, sha256, parts }: ReleasedBundle,
  arch: K3sArch,
  { upstream, cache, signal }: Downloading,
  show: Show,
): Promise<void> {
  for (const [name, part] of Object.entries(parts))
    await obtainLocked({ url: `${url}/${name}`, ...part }, upstream, cache, show);
  show.text("packing");
  const packed = await packParts(parts, arch, cache, signal);
  if (packed.sha256 === sha256) return;
  await purge(cache, packed);
  throw new DamagedError(
    `packed from the parts that are pinned, it has SHA-256 ${packed.sha256}, and ${sha256} is pinned: another Bramble ` +
      "packed it, or the lock was changed by hand",
  );
}

interface Part {
  /** In the release. */
  readonly name: string;
  /** In the bundle. */
  readonly path: string;
  readonly mode: number;
}

function partsOf(arch: K3sArch): readonly Part[] {
  const images = `k3s-airgap-images-${goArch(arch)}.tar.zst`;
  return [
    { name: arch === "x86_64" ? "k3s" : "k3s-arm64", path: "bin/k3s", mode: 0o755 },
    { name: images, path: `images/${images}`, mode: 0o644 },
  ];
}

/** Without compression: the parts are compressed, and so the bundle is the same everywhere. */
async function packParts(
  parts: Readonly<Record<string, Content>>,
  arch: K3sArch,
  cache: Cache,
  signal: AbortSignal,
): Promise<Content> {
  const entries = partsOf(arch).map(({ name, path, mode }): BundleEntry => {
    const part = parts[name];
    if (part === undefined) throw new Error(`the lock has no part ${name} of it: the lock was changed by hand`);
    return { kind: "file", path, mode, source: cachedPath(cache, part) };
  });
  const partial = partialPath(cache, `${scratch}k3s-${arch}`);
  const links = programLinks(["kubectl", "crictl", "ctr"]);
  const content = await packBundle([...entries, ...links], partial, { compress: false, signal });
  await keep(cache, partial, content);
  for (const part of Object.values(parts)) await purge(cache, part);
  return content;
}

function goArch(arch: K3sArch): "amd64" | "arm64" {
  return arch === "x86_64" ? "amd64" : "arm64";
}
