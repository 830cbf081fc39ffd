import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "fflate";
import { pack } from "tar-stream";
import type { OverlayEntry, OverlayFile } from "./alpine-system.ts";

/**
 * An Alpine overlay: a gzipped tar that the initial RAM disk unpacks over the root (reference "Alpine diskless" §2). The
 * same entries are the same bytes on every machine. So there are no names of owners, all is as old as the release, and
 * the compression is JavaScript: what zlib makes of a text is another with another build of it, and each Node has its own.
 * @param released date of the Alpine release, as 2026-11-05
 * @throws Error for a date or a path that no overlay can have
 */
export async function apkovl(
  entries: readonly OverlayEntry[],
  { released }: { readonly released: string },
): Promise<Buffer> {
  const mtime = releaseTime(released);
  const archive = pack();
  for (const entry of withFolders(entries)) {
    const usual = { name: entry.path, mtime, uname: "", gname: "" } as const;
    if (Buffer.byteLength(entry.path) > longestName) {
      throw new Error(`${entry.path}: an overlay has names of up to ${longestName} bytes`);
    }
    if (entry.kind === "file") {
      const { uid, gid, mode, text } = entry;
      archive.entry({ ...usual, type: "file", uid, gid, mode }, text);
    } else if (entry.kind === "folder") {
      const { uid, gid, mode } = entry;
      // A name without a slash would end what apk reads of the list of names.
      archive.entry({ ...usual, name: `${entry.path}/`, type: "directory", uid, gid, mode });
    } else {
      archive.entry({ ...usual, type: "symlink", uid: 0, gid: 0, mode: 0o777, linkname: entry.target });
    }
  }
  archive.finalize();
  return Buffer.from(gzipSync(await buffer(archive), gzipOptions));
}

/**
 * mtime 0 is "no time" (RFC 1952 §2.3.1). Level 6 would take half as long again, for 1 % of the size. Without `mem`,
 * which is the size of a table, fflate works one out with a logarithm, and those may differ in the last digit.
 */
const gzipOptions = { level: 4, mem: 4, mtime: 0 } as const;

/** The id of an image: SHA-256 in hex over all that its bytes are made from. The order of the entries does not matter. */
export function overlayId(entries: readonly OverlayEntry[], released: string): string {
  const rows = [...entries]
    .sort(byPath)
    .map((entry) =>
      entry.kind === "link"
        ? [entry.path, "link", entry.target]
        : [entry.path, "file", entry.mode, entry.uid, entry.gid, entry.text],
    );
  return createHash("sha256")
    .update(JSON.stringify(["apkovl 1", released, rows]))
    .digest("hex");
}

/** The date of a release as the time in which all is made. @throws Error for what is no date. */
export function releaseTime(released: string): Date {
  const time = new Date(`${released}T00:00:00Z`);
  const isDate = /^\d{4}-\d\d-\d\d$/.test(released) && !Number.isNaN(time.getTime());
  if (isDate && time.toISOString().startsWith(released) && time.getTime() > 0) return time;
  throw new Error(`${JSON.stringify(released)} is no date of a release: write it as 2026-11-05`);
}

/** Sorts entries by the codes of their paths' characters, which is the same in every locale. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : Number(a.path > b.path);
}

/** The tree that a profile's images are published as, which is also its folder below the HTTP root. */
export function imageTree(profile: string): string {
  return `image-${profile}`;
}

/** Where boards find an image below the HTTP root. The name must end so: the initial RAM disk goes by it. */
export function imagePath(profile: string, id: string): string {
  return `${imageTree(profile)}/${imageGeneration(id)}/${imageName(profile)}`;
}

export function imageName(profile: string): string {
  return `${profile}.apkovl.tar.gz`;
}

/** The generation that an image is published as. */
export function imageGeneration(id: string): string {
  return id.slice(0, 16);
}

/** A tar header without extensions has room for so much. */
const longestName = 100;

interface OverlayFolder {
  readonly kind: "folder";
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Folders are made by tar as root's, 0755, and apk leaves those that are listed as they are. So only those are listed
 * that must be otherwise: a user's home belongs to the user, and .ssh is closed. Root's home is closed by the initial
 * RAM disk.
 */
function withFolders(entries: readonly OverlayEntry[]): (OverlayEntry | OverlayFolder)[] {
  const files = entries.filter((entry) => entry.kind === "file");
  const folders = new Map(files.flatMap(homeFolders).map((folder) => [folder.path, folder]));
  return [...entries, ...folders.values()].sort(byPath);
}

function homeFolders({ path, uid, gid }: OverlayFile): OverlayFolder[] {
  const parts = path.split("/");
  const above = parts.slice(1).map((_, index) => parts.slice(0, index + 1));
  const isRoots = parts[0] === "root";
  const owner = isRoots ? { uid: 0, gid: 0 } : { uid, gid };
  return above.flatMap((folder): OverlayFolder[] => {
    const isClosed = folder.at(-1) === ".ssh";
    const isListed = isRoots ? isClosed : parts[0] === "home" && folder.length > 1;
    return isListed ? [{ kind: "folder", path: folder.join("/"), mode: isClosed ? 0o700 : 0o755, ...owner }] : [];
  });
}
