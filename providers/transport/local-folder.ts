import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  type Entry,
  type Folder,
  FolderError,
  fileMode,
  folderMode,
  modeKeeper,
  type Source,
  type Trouble,
} from "./folder.ts";
import { grouped } from "./grouped.ts";
import { type LastingShell, lastingShell } from "./lasting-shell.ts";
import { quote } from "./ssh.ts";

/** A folder on this machine. @param root absolute path */
export function localFolder(root: string): Folder {
  const full = (path: string) => `${root}/${path}`;

  /** Runs one operation; its trouble becomes a FolderError that names path and machine. */
  async function attempt<T>(what: string, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (!isErrno(error)) throw error;
      throw new FolderError(root, what, troubles[error.code] ?? "other", error.message);
    }
  }

  /** Like attempt, where one outcome is an answer: undefined. */
  async function unless<T>(codes: readonly string[], what: string, operation: () => Promise<T>) {
    return await attempt(what, () =>
      operation().catch((error) => {
        if (isErrno(error) && codes.includes(error.code)) return undefined;
        throw error;
      }),
    );
  }

  async function stat(path: string): Promise<Omit<Entry, "name"> | undefined> {
    const found = await unless(absent, `look at ${path}`, () => fs.lstat(full(path)));
    if (found === undefined) return undefined;
    const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : found.isSymbolicLink() ? "link" : "other";
    return { kind, size: found.size, modified: Math.floor(found.mtimeMs / 1000), mode: found.mode & 0o7777 };
  }

  const keepMode = modeKeeper({
    stat,
    chmod: (path, mode) => attempt(`set the mode of ${path}`, () => fs.chmod(full(path), mode)),
  });

  const commit = grouped<void, void>(async (waiting) => {
    // No function of Node does this, and starting a program each time takes longer than what it does.
    shell ??= startShell();
    const { code, text } = await shell.run(process.platform === "linux" ? `sync -f -- ${quote(root)}` : "sync");
    if (code !== 0) throw new FolderError(root, "write it all to the disk", "other", text.trim());
    return waiting;
  });

  async function makeFolder(path: string): Promise<boolean> {
    const made = await unless(["EEXIST"], `make the folder ${path}`, async () => {
      await fs.mkdir(full(path), folderMode);
      return true;
    });
    if (made) await keepMode(path, folderMode);
    return made ?? false;
  }

  const commitNames = grouped<string, void>(async (paths) => {
    const all = [...new Set(paths)].map((path) =>
      attempt(`write ${path} to the disk`, async () => {
        const folder = await fs.open(full(path));
        try {
          await folder.sync();
        } finally {
          await folder.close();
        }
      }),
    );
    await Promise.all(all);
    return paths.map(() => undefined);
  });

  return {
    where: root,

    async list(path) {
      const names = await unless(absent, `list ${path}`, () => fs.readdir(full(path)));
      if (names === undefined) return undefined;
      const entries = await Promise.all(
        names.map(async (name) => {
          const found = await stat(`${path}/${name}`);
          return found && { name, ...found };
        }),
      );
      return entries.filter((entry) => entry !== undefined);
    },

    stat,

    readLink: (path) => unless(absent, `read the link ${path}`, () => fs.readlink(full(path))),

    read: (path) => unless(absent, `read ${path}`, () => fs.readFile(full(path))),

    identities: (paths) =>
      Promise.all(
        paths.map((path) => unless(absent, `look at ${path}`, async () => String((await fs.lstat(full(path))).ino))),
      ),

    sha256: (paths) =>
      Promise.all(
        paths.map((path) =>
          unless([...absent, "EISDIR"], `read ${path}`, async () => {
            const hash = createHash("sha256");
            await pipeline(createReadStream(full(path)), hash);
            return hash.digest("hex");
          }),
        ),
      ),

    async free() {
      const { bavail, bsize } = await attempt("tell how much room there is", () => fs.statfs(root));
      return bavail * bsize;
    },

    async makeRoot(mode = folderMode) {
      // A mode that is given to a recursive call would be that of all folders above, too.
      await attempt("make it", () => fs.mkdir(dirname(root), { recursive: true, mode: folderMode }));
      await unless(["EEXIST"], "make it", () => fs.mkdir(root, mode));
    },

    makeFolder,

    async makeFolders(paths) {
      for (const path of paths) await makeFolder(path);
    },

    async write(path, bytes, mode = fileMode) {
      await attempt(`write ${path}`, () => fs.writeFile(full(path), bytes, { flag: "wx", mode }));
      await keepMode(path, mode);
    },

    upload: (path, source) =>
      attempt(`write ${path}`, async () => {
        // A copy on the same machine is quick: half a one is made again.
        const aside = `${full(path)}.${randomUUID()}`;
        await copy(source, aside);
        await fs.chmod(aside, fileMode);
        await fs.rename(aside, full(path));
        return false;
      }),

    async link(from, to) {
      const made = await unless(["ENOENT"], `link ${to} to ${from}`, async () => {
        await fs.link(full(from), full(to));
        return true;
      });
      return made ?? false;
    },

    async makeLink(path, target) {
      const made = await unless(["EEXIST"], `make the link ${path}`, async () => {
        await fs.symlink(target, full(path));
        return true;
      });
      return made ?? false;
    },

    rename: (from, to) => attempt(`rename ${from} to ${to}`, () => fs.rename(full(from), full(to))),

    async remove(path) {
      await unless(absent, `remove ${path}`, () => fs.unlink(full(path)));
    },

    async removeAll(paths) {
      await Promise.all(
        paths.map((path) => attempt(`remove ${path}`, () => fs.rm(full(path), { recursive: true, force: true }))),
      );
    },

    async removeEmpty(path) {
      const removed = await unless([...absent, "ENOTEMPTY"], `remove the folder ${path}`, async () => {
        await fs.rmdir(full(path));
        return true;
      });
      return removed ?? false;
    },

    async removeUnlinked(path, minutes) {
      const names = (await unless(absent, `list ${path}`, () => fs.readdir(full(path)))) ?? [];
      const before = Date.now() - minutes * 60_000;
      const removed = names.map((name) =>
        unless(absent, `remove ${path}/${name}`, async () => {
          const { nlink, mtimeMs } = await fs.lstat(full(`${path}/${name}`));
          if (nlink === 1 && mtimeMs < before) await fs.unlink(full(`${path}/${name}`));
        }),
      );
      await Promise.all(removed);
    },

    commit: () => commit(),
    commitNames,
  };
}

let shell: LastingShell | undefined;

/** A shell for all of this process, which does not keep the process from ending. */
function startShell(): LastingShell {
  const child = spawn("sh", { stdio: ["pipe", "pipe", "ignore"] });
  const handles = [child, child.stdin, child.stdout] as readonly { ref(): void; unref(): void }[];
  const lasting = lastingShell(child.stdin, child.stdout, (idle) => {
    for (const handle of handles) idle ? handle.unref() : handle.ref();
  });
  child.on("close", () => {
    shell = undefined;
  });
  return lasting;
}

const absent = ["ENOENT", "ENOTDIR"];

const troubles: Readonly<Record<string, Trouble>> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  ENOSPC: "full",
  EDQUOT: "full",
  EROFS: "read-only",
  EACCES: "denied",
  EPERM: "denied",
};

async function copy(source: Source, to: string): Promise<void> {
  if (source.kind === "memory") await fs.writeFile(to, source.content, { flag: "wx" });
  else await fs.copyFile(source.path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

function isErrno(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}
