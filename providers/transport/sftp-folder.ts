import { open } from "node:fs/promises";
import {
  type Entry,
  type Folder,
  FolderError,
  fileMode,
  folderMode,
  grouped,
  modeKeeper,
  type Part,
  type Source,
  sizeOf,
  type Trouble,
} from "./folder.ts";
import { type Attributes, mostBytesInWrite, SftpError, sftpCodes } from "./sftp.ts";
import { quote, where } from "./ssh.ts";
import type { SshSession } from "./ssh-pool.ts";
import { tar } from "./tar.ts";

/**
 * A folder on a machine that runs OpenSSH's SFTP server. What that can't do (hashing, writing out a file system) is done
 * by commands that coreutils, findutils and BusyBox have alike. @param root absolute path
 */
export function sftpFolder(session: SshSession, root: string): Folder {
  const { sftp, shell } = session;
  const place = `${root} on ${where(session.target)}`;
  const full = (path: string) => `${root}/${path}`;

  /** Makes requests; their trouble becomes a FolderError that names path and machine. */
  async function attempt<T>(what: string, make: () => Promise<T>): Promise<T> {
    if (!session.isOpen()) throw lost(what);
    try {
      return await make();
    } catch (error) {
      throw await explained(what, error);
    }
  }

  /** Like attempt, where one outcome is an answer: undefined. */
  async function unless<T>(is: (error: FolderError) => Promise<boolean>, what: string, make: () => Promise<T>) {
    return await attempt(what, make).catch(async (error) => {
      if (error instanceof FolderError && (await is(error))) return undefined;
      throw error;
    });
  }

  async function run(what: string, script: string): Promise<string> {
    const { code, text } = await attempt(what, () => shell.run(script));
    if (code === 0) return text;
    throw new FolderError(place, what, troubleIn(text), text.trim());
  }

  /** SFTP has one word, "Failure", for whatever it has no number for: the file system tells more. */
  async function explained(what: string, error: unknown): Promise<unknown> {
    if (!(error instanceof SftpError)) {
      // Who waits for an answer learns of the end of a channel before the session does.
      await new Promise((resolve) => setImmediate(resolve));
      return session.isOpen() ? error : lost(what);
    }
    if (error.code === sftpCodes.noSuchFile) return new FolderError(place, what, "absent", error.message);
    if (error.code === sftpCodes.permissionDenied) return new FolderError(place, what, "denied", error.message);
    if (error.code !== sftpCodes.failure) return new FolderError(place, what, "other", error.message);
    const { free, isReadOnly } = await sftp.statvfs(root);
    if (isReadOnly) return new FolderError(place, what, "read-only", error.message);
    if (free === 0) return new FolderError(place, what, "full", "no room is left on the disk");
    return new FolderError(place, what, "other", `the server says "${error.message}"`);
  }

  function lost(what: string): FolderError {
    return new FolderError(place, what, "lost", "the connection was lost");
  }

  const absent = async ({ trouble }: FolderError) => trouble === "absent";
  const present = (path: string) => async (error: FolderError) =>
    ["other", "full", "read-only"].includes(error.trouble) && (await stat(path)) !== undefined;

  async function stat(path: string): Promise<Omit<Entry, "name"> | undefined> {
    const found = await unless(absent, `look at ${path}`, () => sftp.lstat(full(path)));
    return found && described(found);
  }

  const keepMode = modeKeeper({
    stat,
    chmod: (path, mode) => attempt(`set the mode of ${path}`, () => sftp.chmod(full(path), mode)),
  });

  async function write(path: string, bytes: Uint8Array): Promise<void> {
    await attempt(`write ${path}`, async () => {
      const handle = await sftp.open(full(path), "new", fileMode);
      const written: Promise<void>[] = [];
      for (let at = 0; at < bytes.length; at += mostBytesInWrite)
        written.push(sftp.write(handle, at, bytes.subarray(at, at + mostBytesInWrite)));
      // A server does what concerns one file in the order in which it comes.
      await Promise.all([...written, sftp.close(handle)]);
    });
    await keepMode(path, fileMode);
  }

  const hash = grouped<readonly string[], readonly (string | undefined)[]>(async (groups) => {
    const paths = [...new Set(groups.flat())];
    // Files that are not there are left out of the output, and make the exit code 1.
    const script = `cd ${quote(root)} && sha256sum -- ${paths.map(quote).join(" ")} 2>/dev/null || :`;
    const lines = (await run("hash files", script)).split("\n");
    const hashes = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
    return groups.map((group) => group.map((path) => hashes.get(path)));
  });

  const commit = grouped<readonly Part[], void>(async (groups) => {
    const parts = groups.flat();
    const sync = `sync -f -- ${quote(root)}`;
    if (parts.length === 0) await run("write it all to the disk", sync);
    else {
      // One program on the other side makes them quicker than a request for each.
      const archive = (await tar(parts)).toString("base64");
      const unpack = `base64 -d <<'END' | tar -x -p -m -o -f - -C ${quote(root)} && ${sync}`;
      await run("make files", `${unpack}\n${archive}\nEND`);
    }
    return groups.map(() => undefined);
  });

  const commitNames = grouped<string, void>(async (paths) => {
    const all = [...new Set(paths)].map((path) => attempt(`write ${path} to the disk`, () => sftp.fsync(full(path))));
    await Promise.all(all);
    return paths.map(() => undefined);
  });

  return {
    where: place,

    async list(path) {
      const found = await unless(absent, `list ${path}`, () => sftp.readdir(full(path)));
      return found?.map(({ name, ...attributes }) => ({ name, ...described(attributes) }));
    },

    stat,

    readLink: (path) => unless(absent, `read the link ${path}`, () => sftp.readlink(full(path))),

    read: (path) =>
      unless(absent, `read ${path}`, async () => {
        const handle = await sftp.open(full(path), "read");
        const chunks: Buffer[] = [];
        for (let at = 0; ; at += chunks.at(-1)?.length ?? 0) {
          const chunk = await sftp.read(handle, at, readBytes);
          if (chunk.length === 0) break;
          chunks.push(chunk);
        }
        await sftp.close(handle);
        return Buffer.concat(chunks);
      }),

    sha256: (paths) => (paths.length === 0 ? Promise.resolve([]) : hash(paths)),

    free: () => attempt("tell how much room there is", async () => (await sftp.statvfs(root)).free),

    async makeRoot() {
      await run("make it", `mkdir -p -m ${folderMode.toString(8)} -- ${quote(root)}`);
    },

    async makeFolder(path) {
      const made = await unless(present(path), `make the folder ${path}`, async () => {
        await sftp.mkdir(full(path), folderMode);
        return true;
      });
      if (made) await keepMode(path, folderMode);
      return made ?? false;
    },

    write,

    async upload(path, source) {
      const there = (await stat(path))?.size ?? 0;
      const total = sizeOf(source);
      await attempt(`write ${path}`, async () => {
        // What was in flight when an upload was cut off may have left holes near its end.
        const start = there > total ? 0 : Math.max(0, there - bytesInFlight);
        if (there !== total) {
          const handle = await sftp.open(full(path), start > 0 ? "present" : "truncated");
          await send(source, start, (chunk, at) => sftp.write(handle, at, chunk));
          await sftp.close(handle);
        }
        await sftp.chmod(full(path), fileMode);
      });
    },

    async link(from, to) {
      const made = await unless(absent, `link ${to} to ${from}`, async () => {
        await sftp.hardlink(full(from), full(to));
        return true;
      });
      return made ?? false;
    },

    async makeLink(path, target) {
      const made = await unless(present(path), `make the link ${path}`, async () => {
        await sftp.symlink(target, full(path));
        return true;
      });
      return made ?? false;
    },

    rename: (from, to) => attempt(`rename ${from} to ${to}`, () => sftp.rename(full(from), full(to))),

    async remove(path) {
      await unless(absent, `remove ${path}`, () => sftp.unlink(full(path)));
    },

    async removeAll(paths) {
      if (paths.length === 0) return;
      await run("remove what is old", `rm -rf -- ${paths.map((path) => quote(full(path))).join(" ")}`);
    },

    async removeEmpty(path) {
      const isThere = async (error: FolderError) => (await absent(error)) || (await present(path)(error));
      const removed = await unless(isThere, `remove the folder ${path}`, async () => {
        await sftp.rmdir(full(path));
        return true;
      });
      return removed ?? false;
    },

    async removeUnlinked(path, minutes) {
      const options = `! -type d -links 1 -mmin +${minutes}`;
      await run("remove what is old", `find ${quote(full(path))} ${options} -exec rm -f -- {} +`);
    },

    commit: (parts = []) => commit(parts),
    commitNames,
  };
}

/** What `strerror` says of an error, as commands print it. */
function troubleIn(text: string): Trouble {
  if (/No such file or directory|Not a directory/.test(text)) return "absent";
  if (/No space left|quota exceeded/i.test(text)) return "full";
  if (/Read-only file system/.test(text)) return "read-only";
  return /Permission denied|not permitted/.test(text) ? "denied" : "other";
}

/** File types in st_mode. */
const kinds: Readonly<Record<number, Entry["kind"]>> = { 16807: "file", 9604: "folder", 21609: "link" };

function described({ mode, size, modified }: Attributes): Omit<Entry, "name"> {
  return { kind: kinds[mode & 0o170000] ?? "other", size, modified, mode: mode & 0o7777 };
}

const readBytes = 32 * 1024;
const chunksInFlight = 16;
const bytesInFlight = mostBytesInWrite * chunksInFlight;

/** Gives a source's bytes from `start` on to `write`, several chunks at a time. */
async function send(
  source: Source,
  start: number,
  write: (chunk: Uint8Array, at: number) => Promise<void>,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  const file = source.kind === "file" ? await open(source.path) : undefined;
  try {
    const total = sizeOf(source);
    for (let at = start; at < total; at += mostBytesInWrite) {
      const chunk = Buffer.allocUnsafe(Math.min(mostBytesInWrite, total - at));
      if (source.kind === "memory") chunk.set(source.content.subarray(at, at + chunk.length));
      else if ((await file?.read(chunk, 0, chunk.length, at))?.bytesRead !== chunk.length)
        throw new Error(`${source.path} became shorter while it was sent`);
      const sent: Promise<void> = write(chunk, at).finally(() => inFlight.delete(sent));
      inFlight.add(sent);
      if (inFlight.size >= chunksInFlight) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
    await file?.close();
  }
}
