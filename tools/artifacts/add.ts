import { randomUUID } from "node:crypto";
import { copyFile, open } from "node:fs/promises";
import { basename } from "node:path";
import { type FileArtifact, lockPath, pin, updateCommand } from "../../formats/artifact-lock.ts";
import { describeFile } from "../lib/files.ts";
import { megabytes } from "../lib/units.ts";
import { isArchive, unpack, unpackSelection } from "./archive.ts";
import { cachedPath, cacheOf, keep, partialPath, scratch, withCache } from "./cache.ts";
import { known } from "./known.ts";
import { readCommitted, writeLock } from "./lock-file.ts";

export interface AddOptions {
  readonly project: string;
  readonly name: string;
  readonly file: string;
  readonly version: string;
  /** Where others can have it. */
  readonly url?: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Copies a file that the user has into the cache, and pins it with all files that are in it. */
export async function addArtifact({ project, name, file, version, url, signal, say }: AddOptions): Promise<void> {
  const cache = cacheOf(project);
  const artifact = known.get(name);
  if (artifact !== undefined && "packages" in artifact)
    throw new Error(`${name} is a set of packages, and no file: it is pinned by \`${updateCommand(name)}\``);
  await withCache(cache, "bramble artifacts add", async () => {
    const lock = await readCommitted(project);
    const partial = partialPath(cache, `${scratch}${randomUUID()}`);
    await copyFile(file, partial);
    await flush(partial);
    const content = await describeFile(partial);
    const entry: FileArtifact = { version, ...(url === undefined ? {} : { url }), ...content };
    pin(lock, name, entry); // before anything is kept
    await keep(cache, partial, content);
    const title = `${name} ${version}`;
    const selection = artifact !== undefined && "files" in artifact ? artifact.files : undefined;
    if (!isArchive(basename(file))) {
      await writeLock(project, pin(lock, name, entry));
      say(`${title} is pinned: ${megabytes(content.bytes)}, SHA-256 ${content.sha256}`);
    } else {
      const { files, skipped } =
        selection === undefined
          ? await unpack(cachedPath(cache, content), title, () => true, cache, signal)
          : await unpackSelection(cachedPath(cache, content), title, selection, cache, signal);
      await writeLock(project, pin(lock, name, { ...entry, files }));
      say(`${title} is pinned with ${Object.keys(files).length} files in it, SHA-256 ${content.sha256}`);
      if (skipped.length > 0) say(`Left out, since links and devices are no files: ${skipped.join(", ")}`);
    }
    say(`${lockPath} is written. Look at what changed in it, and commit it.`);
    if (url === undefined)
      say("Without --url, other machines can have the file only by copying .bramble/artifacts from this one.");
  });
}

async function flush(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
