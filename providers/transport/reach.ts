import type { Connection } from "./connection.ts";
import type { FolderServer } from "./folder-server.ts";
import { thisMachine } from "./local.ts";
import { connect } from "./ssh.ts";

/**
 * Opens a connection to a machine, which may be the one that this runs on.
 * @param deployKey is asked for only where somebody is logged in to
 * @param patience how long it is waited for, in seconds
 * @param signal ends the connection, or the attempt to make it
 * @throws HostKeyMismatch, Unreachable
 */
export async function reach(
  machine: FolderServer,
  deployKey: () => string,
  patience: number,
  signal?: AbortSignal,
): Promise<Connection> {
  return machine.connect === "local"
    ? thisMachine()
    : connect(machine, deployKey(), { patience, ...(signal && { signal }) });
}
