import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Extract, extract } from "tar-stream";
import { isMemberPath, type LockedFile } from "../../formats/artifact-lock.ts";
import type { Content } from "../lib/files.ts";
import { type Cache, keep, partialPath, scratch } from "./cache.ts";

/** What was taken from an archive. */
export interface Unpacked {
  readonly files: Readonly<Record<string, LockedFile>>;
  /** Wanted paths that are links or devices there, and were left out. */
  readonly skipped: readonly string[];
}

/** Which files of an archive are taken. */
export interface Selection {
  /** Without one of these the archive is of no use. */
  readonly required: readonly string[];
  /** Paths of the others. */
  readonly also: RegExp;
}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

/** An archive that cannot be used. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

/** Whether a file of this name is an archive, whose files are pinned too. */
export function isArchive(fileName: string): boolean {
  return /\.(tar\.gz|tgz)$/.test(fileName);
}

/**
 * Puts the wanted files of a .tar.gz into the cache.
 * @param title what the archive is called in messages
 * @throws ArchiveError for a damaged one, and for one with a path that leads out of it
 */
export async function unpack(
  archive: string,
  title: string,
  wanted: (path: string) => boolean,
  cache: Cache,
  signal: AbortSignal,
): Promise<Unpacked> {
  const tar = extract();
  const [reading, taking] = await Promise.allSettled([
    pipeline(createReadStream(archive), createGunzip(), tar, { signal }),
    take(tar, title, wanted, cache, signal),
  ]);
  signal.throwIfAborted();
  // Each of the two fails when the other does; what the archive is accused of comes first, then what began it.
  if (taking.status === "rejected" && taking.reason instanceof ArchiveError) throw taking.reason;
  if (reading.status === "rejected") throw describeError(title, reading.reason);
  if (taking.status === "rejected") throw taking.reason;
  return taking.value;
}

/** Like {@link unpack}, for a selection. @throws ArchiveError also where a required file is missing */
export async function unpackSelection(
  archive: string,
  title: string,
  { required, also }: Selection,
  cache: Cache,
  signal: AbortSignal,
): Promise<Unpacked> {
  const isTaken = (path: string) => required.includes(path) || also.test(path);
  const unpacked = await unpack(archive, title, isTaken, cache, signal);
  const missing = required.filter((path) => !Object.hasOwn(unpacked.files, path));
  if (missing.length === 0) return unpacked;
  throw new ArchiveError(`${title} lacks ${missing.join(", ")}, without which no board boots`);
}

async function take(
  tar: Extract,
  title: string,
  wanted: (path: string) => boolean,
  cache: Cache,
  signal: AbortSignal,
): Promise<Unpacked> {
  const files: Record<string, LockedFile> = {};
  const skipped: string[] = [];
  for await (const entry of tar) {
    const path = pathInside(entry.header.name, title);
    const isFile = entry.header.type === "file" || entry.header.type === "contiguous-file";
    if (entry.header.type !== "directory" && wanted(path)) {
      if (!isMemberPath(path))
        throw new ArchiveError(`${title} has a file ${JSON.stringify(path)}, a name that boards may not cope with`);
      if (isFile) files[path] = await store(entry, cache, signal);
      else skipped.push(path);
    }
    entry.resume();
  }
  return { files, skipped };
}

/** Alpine's archives are made of a folder `.`, so that their paths begin with `./`. */
function pathInside(name: string, title: string): string {
  const parts = name.split("/");
  if (name.startsWith("/") || parts.includes("..") || name.includes("\0"))
    throw new ArchiveError(
      `${title} has the path ${JSON.stringify(name)}, which leads out of it; nothing is taken from it`,
    );
  return parts.filter((part) => part !== "." && part !== "").join("/");
}

async function store(entry: Entry, cache: Cache, signal: AbortSignal): Promise<Content> {
  const partial = partialPath(cache, `${scratch}${randomUUID()}`);
  const hash = createHash("sha256");
  let bytes = 0;
  const metered = async function* () {
    // Its types do not say that entries give buffers.
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  await writeFile(partial, metered(), { flush: true, signal });
  const content = { sha256: hash.digest("hex"), bytes };
  await keep(cache, partial, content);
  return content;
}

function describeError(title: string, error: NodeJS.ErrnoException): Error {
  const ofDisk = error.syscall !== undefined;
  return ofDisk ? error : new ArchiveError(`${title} is no whole .tar.gz: ${error.message}`);
}
