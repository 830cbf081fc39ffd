import { type Folder, FolderError, isTrouble } from "./folder.ts";
import { siteDeployKey } from "./key-files.ts";
import { localFolder } from "./local-folder.ts";
import { sftpFolder } from "./sftp-folder.ts";
import type { SshTarget } from "./ssh.ts";
import { type SshSession, withSession } from "./ssh-pool.ts";

/** A machine with folders: the one that Pulumi runs on, or one that is logged in to. */
export type FolderServer = { readonly connect: "local" } | ({ readonly connect: "ssh" } & SshTarget);

/**
 * Does something in a folder of a server. A connection that is lost is opened once more, and the work begins anew: it
 * must be such that a half of it does no harm.
 * @param site whose deploy key logs in, from the file that the engine's processes have unless it is given
 * @throws HostKeyMismatch, Unreachable, FolderError
 */
export async function inFolder<T>(
  server: FolderServer,
  root: string,
  site: string,
  work: (folder: Folder) => Promise<T>,
  deployKey: () => Promise<string> = () => siteDeployKey(site),
): Promise<T> {
  if (server.connect === "local") return work(localOnes.get(root) ?? remember(localOnes, root, localFolder(root)));
  const once = () => withSession(server, deployKey, (session) => work(folderOf(session, root)));
  try {
    return await once();
  } catch (error) {
    if (!isTrouble(error, "lost")) throw error;
  }
  try {
    return await once();
  } catch (error) {
    if (!isTrouble(error, "lost")) throw error;
    throw new FolderError(
      `${server.name} (${server.address})`,
      "finish",
      "lost",
      "the connection was lost, opened again, and lost again. Boards see what they saw before. Look at the machine and " +
        `its network, and run the same command again: it goes on where it was (${error.message})`,
    );
  }
}

// One value for each folder: what is found out about it is kept beside it.
const localOnes = new Map<string, Folder>();
const remoteOnes = new WeakMap<SshSession, Map<string, Folder>>();

function folderOf(session: SshSession, root: string): Folder {
  const folders = remoteOnes.get(session) ?? remember(remoteOnes, session, new Map<string, Folder>());
  return folders.get(root) ?? remember(folders, root, sftpFolder(session, root));
}

function remember<K, V>(all: { set(key: K, value: V): unknown }, key: K, value: V): V {
  all.set(key, value);
  return value;
}
