import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import type { Content } from "../lib/files.ts";

/** Something in a bundle, by its path in it. All is root's. */
export type BundleEntry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly source: string | Uint8Array }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** The links of a k3s's folder of programs: by these names it is another program. */
export function programLinks(names: readonly string[]): readonly BundleEntry[] {
  return names.map((name) => ({ kind: "link", path: `bin/${name}`, target: "k3s" }));
}

/**
 * Writes a bundle: a tar, the same bytes from the same entries on every machine; with `compress`, what zstd makes of it,
 * which may differ by its version. Sources that are paths are read as they are needed, for they are large.
 */
export async function packBundle(
  entries: readonly BundleEntry[],
  file: string,
  { compress, signal }: { readonly compress: boolean; readonly signal: AbortSignal },
): Promise<Content> {
  const archive = pack();
  const hash = createHash("sha256");
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const stage = compress ? createZstdCompress({ params: zstdLevel }) : new PassThrough();
  const out = createWriteStream(file, { flush: true });
  const [writing, filling] = await Promise.allSettled([
    pipeline(archive, stage, meter, out, { signal }),
    fill(archive, entries),
  ]);
  // Where one fails, so does the other; what could not be read says more than that nothing more came.
  for (const result of [filling, writing]) if (result.status === "rejected") throw result.reason;
  return { sha256: hash.digest("hex"), bytes };
}

/** Higher ones take minutes on small machines for a few percent. */
const zstdLevel = { [constants.ZSTD_c_compressionLevel]: 9 };

async function fill(archive: Pack, entries: readonly BundleEntry[]): Promise<void> {
  const usual = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  try {
    for (const entry of entries) {
      const { path, kind } = entry;
      if (kind === "link") {
        archive.entry({ ...usual, name: path, type: "symlink", mode: 0o777, linkname: entry.target });
      } else if (typeof entry.source === "string") {
        const { size } = await stat(entry.source);
        const into = archive.entry({ ...usual, name: path, type: "file", mode: entry.mode, size });
        await pipeline(createReadStream(entry.source), into);
      } else {
        archive.entry({ ...usual, name: path, type: "file", mode: entry.mode }, Buffer.from(entry.source));
      }
    }
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
