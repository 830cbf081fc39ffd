import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { FileArtifact, LockedFile } from "../../formats/artifact-lock.ts";
import { DamagedError } from "../lib/download.ts";
import type { Content } from "../lib/files.ts";
import { type Cache, cachedPath, isCached, keep, partialPath } from "./cache.ts";
import type { Published, Release } from "./known.ts";
import type { Show } from "./progress.ts";
import type { Upstream } from "./upstream.ts";

/** What is known of a file before it is there. */
interface Expected {
  readonly url: string;
  readonly bytes?: number | undefined;
  readonly published: Published;
}

/** Bytes that nothing here comes near to, for where upstream does not say how long a file is. */
const longest = 2_000_000_000;

/**
 * Downloads what the lock names into the cache, where it is not there yet.
 * @throws DamagedError with both hashes when the address gives something else; nothing of it is kept
 */
export async function obtainLocked(
  artifact: LockedFile & { readonly url: string },
  upstream: Upstream,
  cache: Cache,
  show: Show,
): Promise<void> {
  if (await isCached(cache, artifact)) return;
  const { url, sha256, bytes } = artifact;
  const file = { url, bytes, published: { kind: "sha256", hex: sha256 } } as const;
  await keep(cache, ...(await fetchPartial(file, upstream, cache, show)));
}

/**
 * A release's content, in the cache. What the lock has pinned for the same version already must be the same still.
 * @throws DamagedError with both hashes, when it is not, or when it is not what upstream says that it publishes
 */
export async function obtainRelease(
  release: Release,
  pinned: FileArtifact | undefined,
  upstream: Upstream,
  cache: Cache,
  show: Show,
): Promise<Content> {
  const same = pinned?.version === release.version ? pinned : undefined;
  const { published } = release;
  if (same !== undefined && published.kind === "sha256" && published.hex !== same.sha256)
    throw changed(release, same, published.hex);
  if (same !== undefined && (await isCached(cache, same))) {
    const { sha256, bytes } = same;
    await check(cachedPath(cache, same), { sha256, bytes }, release);
    return { sha256, bytes };
  }
  const [partial, content] = await fetchPartial(release, upstream, cache, show);
  if (same !== undefined && content.sha256 !== same.sha256) {
    await rm(partial, { force: true });
    throw changed(release, same, content.sha256);
  }
  await keep(cache, partial, content);
  return content;
}

async function fetchPartial(file: Expected, upstream: Upstream, cache: Cache, show: Show): Promise<[string, Content]> {
  const { url, bytes, published } = file;
  // Named after what it is to become, so that a later run goes on with the right one.
  const partial = partialPath(cache, published.hex);
  show.text(`downloading from ${upstream.host(url)}`);
  const content = await upstream.file(url, partial, {
    sha256: published.kind === "sha256" ? published.hex : undefined,
    resume: true,
    // Wrong content is read to its end, within reason: its hash says more than its length.
    most: bytes === undefined ? longest : 2 * bytes + 1_000_000,
    onBytes: (done) => show.bytes(done, bytes),
  });
  try {
    await check(partial, content, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return [partial, content];
}

/** Holds a file against what its maker says of it. */
async function check(path: string, content: Content, { url, published }: Expected): Promise<void> {
  const got = published.kind === "sha256" ? content.sha256 : await gitBlob(path, content.bytes);
  if (got === published.hex) return;
  throw new DamagedError(
    `${url} is damaged or not what its maker published: ${published.kind === "sha256" ? "SHA-256" : "git's hash"} ` +
      `${got}, published ${published.hex}`,
  );
}

/** The name that git gives to a file's content: SHA-1 over a header and the content. */
async function gitBlob(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha1").update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

function changed({ url, version }: Release, pinned: FileArtifact, got: string): Error {
  return new DamagedError(
    `${url}: what is published as version ${version} has changed: SHA-256 ${got}, pinned ${pinned.sha256}. ` +
      "That should never happen; find out why before you take the entry out of the lock and update again",
  );
}
