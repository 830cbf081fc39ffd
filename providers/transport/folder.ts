/**
 * A folder that things are published in, here or on a server: what both can do, and what providers need. Paths are
 * relative to the folder, with `/` between their parts. What comes from people is checked before: nothing here follows
 * a path out of the folder, because no path has `..` in it.
 */
export interface Folder {
  /** Path and machine, for messages. */
  readonly where: string;

  /** What is in a folder, in no order; undefined where there is no such folder. */
  list(path: string): Promise<readonly Entry[] | undefined>;
  /** What is at a path, of a link the link itself; undefined if nothing is. */
  stat(path: string): Promise<Omit<Entry, "name"> | undefined>;
  /** Where a link leads to; undefined if nothing is there. @throws FolderError of kind "other" if it is no link. */
  readLink(path: string): Promise<string | undefined>;
  /** The bytes of a file, links followed; undefined if nothing is there. */
  read(path: string): Promise<Buffer | undefined>;
  /** What two names have in common when, and only when, they are names of one file; undefined where nothing is. */
  identities(paths: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** SHA-256 of the bytes of files, in hex, as the machine reads them now; undefined for what is no readable file. */
  sha256(paths: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** The bytes that a file may still take. */
  free(): Promise<number>;

  /** Makes the folder itself, with all above it, which everybody may read; unless a mode says so, the folder too. */
  makeRoot(mode?: number): Promise<void>;
  /** Makes a folder, readable by everybody; false if something is there. */
  makeFolder(path: string): Promise<boolean>;
  /** Makes new folders, each after those before it. */
  makeFolders(paths: readonly string[]): Promise<void>;
  /** Makes a new file of few bytes, readable by everybody and writable by nobody, unless a mode says otherwise. */
  write(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  /**
   * Like write, for many bytes; goes on with what an earlier call to the same path left there. @returns whether it went
   * on: then a look at the bytes is due, for the others are only known to be right.
   */
  upload(path: string, source: Source): Promise<boolean>;
  /** Gives a file a second name (a hard link); false if it is not there. */
  link(from: string, to: string): Promise<boolean>;
  /** Makes a symbolic link; false if something is there. */
  makeLink(path: string, target: string): Promise<boolean>;
  /** Gives a file or link another name, in one step, also if that name is in use. */
  rename(from: string, to: string): Promise<void>;

  /** Removes a file or link, if it is there. */
  remove(path: string): Promise<void>;
  /** Removes files and folders with all that is in them, if they are there. */
  removeAll(paths: readonly string[]): Promise<void>;
  /** Removes a folder; false if it is not empty or not there. */
  removeEmpty(path: string): Promise<boolean>;
  /** Removes the files and links in a folder that have no second name and were last written to so long ago. */
  removeUnlinked(path: string, minutes: number): Promise<void>;

  /**
   * Settles when all that was done before the call is on the disk, and would be there after a power cut. The whole file
   * system is written out, once for all who wait: that takes a fifth of writing out one small file after the other.
   */
  commit(): Promise<void>;
  /** Settles when the names in a folder are on the disk, as they were at the call or later. */
  commitNames(path: string): Promise<void>;
}

export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link" | "other";
  readonly size: number;
  /** When it was last written to, in whole seconds since 1970. */
  readonly modified: number;
  /** Permission bits. */
  readonly mode: number;
}

/** Where the bytes of an upload come from. */
export type Source =
  | { readonly kind: "file"; readonly path: string; readonly bytes: number }
  | { readonly kind: "memory"; readonly content: Uint8Array };

export function sizeOf(source: Source): number {
  return source.kind === "file" ? source.bytes : source.content.byteLength;
}

/** Why something could not be done in a folder. */
export type Trouble =
  /** A file or folder on the way is not there. */
  | "absent"
  /** The disk, or the user's share of it. */
  | "full"
  | "read-only"
  | "denied"
  /** The connection ended. What was asked for may have been done. */
  | "lost"
  | "other";

export class FolderError extends Error {
  readonly trouble: Trouble;

  /** @param what as it stands after "cannot": "make .bramble/store" */
  constructor(where: string, what: string, trouble: Trouble, said: string) {
    super(`${where}: cannot ${what}: ${said}${advice[trouble]}`);
    this.name = "FolderError";
    this.trouble = trouble;
  }
}

const advice: Readonly<Record<Trouble, string>> = {
  absent: "",
  full: ". Make room there and try again",
  "read-only": ". The file system is mounted read-only: mount it for writing and try again",
  denied:
    ". The folder must belong to the user who publishes, all that is in it too, on a file system with symbolic and " +
    "hard links (ext4, XFS, btrfs, ZFS; not FAT or exFAT)",
  lost: "",
  other: "",
};

/** Whether it is that trouble that an error tells of. */
export function isTrouble(error: unknown, ...troubles: readonly Trouble[]): error is FolderError {
  return error instanceof FolderError && troubles.includes(error.trouble);
}

/** Everybody reads what is published, a TFTP server with a user of its own too. */
export const folderMode = 0o755;
export const fileMode = 0o444;
/** What is secret is read by the folder's owner, and, file by file, by the group that the folder gives to them. */
export const privateFolderMode = 0o700;
export const privateFileMode = 0o640;

/**
 * Sets the mode of what was just made, where a strict umask has taken from it; the first folder made tells whether it
 * does. So the usual case costs nothing.
 */
export function modeKeeper(folder: {
  readonly stat: (path: string) => Promise<{ readonly mode: number } | undefined>;
  readonly chmod: (path: string, mode: number) => Promise<void>;
}): (path: string, mode: number) => Promise<void> {
  let strict: Promise<boolean> | undefined;
  return async (path, mode) => {
    if (mode === folderMode) strict ??= folder.stat(path).then((made) => made?.mode !== mode);
    if ((await strict) !== false) await folder.chmod(path, mode);
  };
}
