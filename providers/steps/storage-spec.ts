import type { Connection } from "../transport/connection.ts";
import type { FolderServer } from "../transport/folder-server.ts";
import { reach } from "../transport/reach.ts";
import { required } from "./environment.ts";

/** A folder that hosts share, as steps are told of it. */
export interface StorageOnServer {
  readonly site: string;
  readonly name: string;
  readonly path: string;
  /** The word in its marker file. */
  readonly marker: string;
  readonly server: FolderServer;
}

/** What the variable `storage` holds for the step `nfs-server`, as JSON. */
export interface NfsServerSpec extends StorageOnServer {
  /** Where the server's drive is mounted, if that is the only disk that it has. */
  readonly driveFolder?: string;
  /** The hosts that can't write any more when the step is done. */
  readonly lost: readonly { readonly host: string; readonly address: string }[];
}

/** What the variable `storage` holds for the step `host-storage`, as JSON. */
export interface HostStorageSpec extends Omit<StorageOnServer, "server"> {
  readonly host: string;
  /** Missing where somebody else looks after the server. */
  readonly server?: FolderServer;
  /** How the host is reached; missing where it mounts the storage by itself at boot. */
  readonly reached?: FolderServer;
  readonly address: string;
  /** Where it is mounted on the host. */
  readonly folder: string;
  readonly options: string;
}

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;

/** Does something on a machine, and closes the connection. @param patience in seconds */
export async function on<T>(
  reached: FolderServer,
  work: (connection: Connection) => Promise<T>,
  patience = reachPatience,
): Promise<T> {
  const connection = await reach(reached, () => required("sshKey"), patience);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

/** The first parameters of guest/nfs-storage.sh. */
export function storageArguments({ site, name, path, marker }: Omit<StorageOnServer, "server">): string[] {
  return [site, name, path, marker];
}
