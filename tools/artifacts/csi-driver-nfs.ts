import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { ReleasedBundle } from "../../formats/artifact-lock.ts";
import { type Content, describeFile } from "../lib/files.ts";
import { type Cache, cachedPath, isCached, keep, partialPath, scratch } from "./cache.ts";
import { askGithub, contentsSchema } from "./github.ts";
import { obtainLocked, obtainRelease } from "./obtain.ts";
import type { Show } from "./progress.ts";
import { makers, type Upstream } from "./upstream.ts";

/** Kubernetes' driver for volumes on NFS. Its install-driver.sh applies these manifests, in this order. */
const repository = "kubernetes-csi/csi-driver-nfs";
const manifests = ["rbac-csi-nfs.yaml", "csi-nfs-driverinfo.yaml", "csi-nfs-controller.yaml", "csi-nfs-node.yaml"];

/** A release's manifests, each with the name that git gives to its content. */
export interface PublishedManifests {
  readonly version: string;
  readonly url: string;
  readonly blobs: ReadonlyMap<string, string>;
}

/** The manifests of the newest release, or of the given one. @param version as v4.12.1 */
export async function publishedManifests(upstream: Upstream, version: string | undefined): Promise<PublishedManifests> {
  const tag = version ?? (await newest(upstream));
  if (!/^v\d+\.\d+\.\d+$/.test(tag)) throw new Error(`${repository} has versions such as v4.12.1, not ${tag}`);
  const listed = await askGithub(repository, `contents/deploy/${tag}?ref=${tag}`, contentsSchema, upstream);
  if (listed === undefined) throw new Error(`${repository} has no version ${tag} with a folder deploy/${tag}`);
  const blobs = manifests.map((name): [string, string] => {
    const found = listed.find((file) => file.name === name);
    if (found === undefined) throw new Error(`${repository} ${tag} has no deploy/${tag}/${name}`);
    return [name, found.sha];
  });
  return { version: tag, url: `${makers["github-raw"]}/${repository}/${tag}/deploy/${tag}`, blobs: new Map(blobs) };
}

/** Downloads a release's manifests and joins them into one file in the cache. */
export async function obtainManifests(
  { version, url, blobs }: PublishedManifests,
  pinned: ReleasedBundle | undefined,
  upstream: Upstream,
  cache: Cache,
  show: Show,
): Promise<ReleasedBundle> {
  const parts: Record<string, Content> = {};
  for (const [name, hex] of blobs) {
    const before = pinned?.version === version ? pinned.parts[name] : undefined;
    const release = { version, url: `${url}/${name}`, published: { kind: "git-blob", hex } } as const;
    parts[name] = await obtainRelease(release, before && { version, ...before }, upstream, cache, show);
  }
  return { version, url, ...(await join(parts, cache)), parts };
}

/** What the lock names, in the cache. @throws Error where the lock was changed by hand */
export async function obtainLockedManifests(
  { url, sha256, parts }: ReleasedBundle,
  upstream: Upstream,
  cache: Cache,
  show: Show,
): Promise<void> {
  for (const [name, part] of Object.entries(parts))
    await obtainLocked({ url: `${url}/${name}`, ...part }, upstream, cache, show);
  const joined = await join(parts, cache);
  if (joined.sha256 === sha256) return;
  throw new Error(`its parts make a file with SHA-256 ${joined.sha256}, and ${sha256} is pinned: the lock was changed`);
}

async function newest(upstream: Upstream): Promise<string> {
  const schema = z.object({ tag_name: z.string() });
  const release = await askGithub(repository, "releases/latest", schema, upstream);
  if (release === undefined) throw new Error(`${repository} has no release`);
  return release.tag_name;
}

async function join(parts: Readonly<Record<string, Content>>, cache: Cache): Promise<Content> {
  const texts = await Promise.all(
    manifests.map(async (name) => {
      const part = parts[name];
      if (part === undefined || !(await isCached(cache, { ...part })))
        throw new Error(`the lock has no part ${name}: it was changed by hand`);
      return readFile(cachedPath(cache, part), "utf8");
    }),
  );
  const partial = partialPath(cache, `${scratch}manifests`);
  await writeFile(partial, texts.map((text) => `---\n${text.trimEnd()}\n`).join(""), { flush: true });
  const content = await describeFile(partial);
  await keep(cache, partial, content);
  return content;
}
