import { open } from "node:fs/promises";
import {
  type Entry,
  type Folder,
  FolderError,
  fileMode,
  folderMode,
  isTrouble,
  modeKeeper,
  type Source,
  sizeOf,
  type Trouble,
} from "./folder.ts";
import { grouped } from "./grouped.ts";
import { type Attributes, mostBytesInWrite, SftpError, sftpCodes } from "./sftp.ts";
import { quote, where } from "./ssh.ts";
import type { SshSession } from "./ssh-pool.ts";

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

  /** Like attempt, where nothing is there: undefined. */
  async function unlessAbsent<T>(what: string, make: () => Promise<T>): Promise<T | undefined> {
    return await attempt(what, () =>
      make().catch((error) => {
        if (error instanceof SftpError && error.code === sftpCodes.noSuchFile) return undefined;
        throw error;
      }),
    );
  }

  /** Whether something could be made at a path; false if something is there. */
  async function unlessThere(what: string, path: string, make: () => Promise<void>): Promise<boolean> {
    try {
      await attempt(what, make);
      return true;
    } catch (error) {
      // SFTP does not say why it failed.
      if (isTrouble(error, "other", "full", "read-only") && (await stat(path)) !== undefined) return false;
      throw error;
    }
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
    const fileSystem = await sftp.statvfs(root).catch(() => undefined); // the first error is the one to explain
    if (fileSystem?.isReadOnly) return new FolderError(place, what, "read-only", error.message);
    if (fileSystem?.free === 0) return new FolderError(place, what, "full", "no room is left on the disk");
    return new FolderError(place, what, "other", `the server says "${error.message}"`);
  }

  function lost(what: string): FolderError {
    return new FolderError(place, what, "lost", "the connection was lost");
  }

  async function stat(path: string): Promise<Omit<Entry, "name"> | undefined> {
    const found = await unlessAbsent(`look at ${path}`, () => sftp.lstat(full(path)));
    return found && described(found);
  }

  const keepMode = modeKeeper({
    stat,
    chmod: (path, mode) => attempt(`set the mode of ${path}`, () => sftp.chmod(full(path), mode)),
  });

  async function makeFolder(path: string): Promise<boolean> {
    const make = () => sftp.mkdir(full(path), folderMode);
    const isMade = await unlessThere(`make the folder ${path}`, path, make);
    if (isMade) await keepMode(path, folderMode);
    return isMade;
  }

  /** Asks a command that prints a word and then the path for each file, and leaves out those that are not there. */
  function ofEach(
    what: string,
    command: string,
  ): (paths: readonly string[]) => Promise<readonly (string | undefined)[]> {
    const ask = grouped<readonly string[], readonly (string | undefined)[]>(async (groups) => {
      const paths = [...new Set(groups.flat())];
      const script = `cd ${quote(root)} && ${command} -- ${paths.map(quote).join(" ")} 2>/dev/null || :`;
      const lines = (await run(what, script)).split("\n").map((line) => line.trim());
      const found = new Map(lines.map((line) => [line.slice(line.indexOf(" ")).trim(), line.split(" ", 1)[0]]));
      return groups.map((group) => group.map((path) => found.get(path)));
    });
    return (paths) => (paths.length === 0 ? Promise.resolve([]) : ask(paths));
  }

  const commit = grouped<void, void>(async (waiting) => {
    await run("write it all to the disk", `sync -f -- ${quote(root)}`);
    return waiting;
  });

  const remove = grouped<string, void>(async (scripts) => {
    await run("remove what is old", [...new Set(scripts)].join(" && "));
    return scripts.map(() => undefined);
  });

  const commitNames = grouped<string, void>(async (paths) => {
    const all = [...new Set(paths)].map((path) => attempt(`write ${path} to the disk`, () => sftp.fsync(full(path))));
    await Promise.all(all);
    return paths.map(() => undefined);
  });

  return {
    where: place,

    async list(path) {
      const found = await unlessAbsent(`list ${path}`, () => sftp.readdir(full(path)));
      return found?.map(({ name, ...attributes }) => ({ name, ...described(attributes) }));
    },

    stat,

    readLink: (path) => unlessAbsent(`read the link ${path}`, () => sftp.readlink(full(path))),

    read: (path) =>
      unlessAbsent(`read ${path}`, async () => {
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

    identities: ofEach("look at files", "ls -di"),

    sha256: ofEach("hash files", "sha256sum"),

    free: () => attempt("tell how much room there is", async () => (await sftp.statvfs(root)).free),

    async makeRoot(mode = folderMode) {
      await run("make it", `mkdir -p -m ${mode.toString(8)} -- ${quote(root)}`);
    },

    makeFolder,

    // A server does one thing after the other.
    makeFolders: async (paths) => void (await Promise.all(paths.map(makeFolder))),

    async write(path, bytes, mode = fileMode) {
      await attempt(`write ${path}`, async () => {
        const handle = await sftp.open(full(path), "new", mode);
        const written: Promise<void>[] = [];
        for (let at = 0; at < bytes.length; at += mostBytesInWrite)
          written.push(sftp.write(handle, at, bytes.subarray(at, at + mostBytesInWrite)));
        // A server does what concerns one file in the order in which it comes.
        await Promise.all([...written, sftp.close(handle)]);
      });
      await keepMode(path, mode);
    },

    async upload(path, source) {
      const there = (await stat(path))?.size ?? 0;
      const total = sizeOf(source);
      return await attempt(`write ${path}`, async () => {
        // What was in flight when an upload was cut off may have left holes near its end.
        const start = there > total ? 0 : Math.max(0, there - bytesInFlight);
        if (there !== total) {
          const handle = await sftp.open(full(path), "any");
          await send(source, start, (chunk, at) => sftp.write(handle, at, chunk));
          await sftp.close(handle);
        }
        await sftp.chmod(full(path), fileMode);
        return there > 0;
      });
    },

    async link(from, to) {
      const made = await unlessAbsent(`link ${to} to ${from}`, async () => {
        await sftp.hardlink(full(from), full(to));
        return true;
      });
      return made ?? false;
    },

    makeLink: (path, target) => unlessThere(`make the link ${path}`, path, () => sftp.symlink(target, full(path))),

    rename: (from, to) => attempt(`rename ${from} to ${to}`, () => sftp.rename(full(from), full(to))),

    async remove(path) {
      await unlessAbsent(`remove ${path}`, () => sftp.unlink(full(path)));
    },

    removeAll: async (paths) =>
      paths.length === 0 ? undefined : await remove(`rm -rf -- ${paths.map((path) => quote(full(path))).join(" ")}`),

    async removeEmpty(path) {
      const what = `remove the folder ${path}`;
      return await unlessThere(what, path, () => sftp.rmdir(full(path))).catch((error) => {
        if (isTrouble(error, "absent")) return false;
        throw error;
      });
    },

    async removeUnlinked(path, minutes) {
      const options = `! -type d -links 1 -mmin +${minutes}`;
      const there = quote(full(path));
      await remove(`{ [ ! -d ${there} ] || find ${there} ${options} -exec rm -f -- {} +; }`);
    },

    commit: () => commit(),
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
const kinds = new Map<number, Entry["kind"]>([
  [0o100000, "file"],
  [0o040000, "folder"],
  [0o120000, "link"],
]);

function described({ mode, size, modified }: Attributes): Omit<Entry, "name"> {
  return { kind: kinds.get(mode & 0o170000) ?? "other", size, modified, mode: mode & 0o7777 };
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
