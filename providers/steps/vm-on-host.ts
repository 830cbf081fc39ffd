import type { FolderServer } from "../transport/folder-server.ts";
import { knownHostKey, lostHosts } from "../transport/key-files.ts";
import { reach } from "../transport/reach.ts";
import { Unreachable } from "../transport/ssh.ts";
import { optional } from "./environment.ts";
import { onGuest } from "./guest-script.ts";

/** A VM as its host knows it. */
export interface VmOnHost {
  readonly site: string;
  readonly name: string;
  /** The host's name in the site file, and how it is reached. */
  readonly host: string;
  readonly on: FolderServer;
  readonly uuid: string;
  /** What is written into the VM's definition: whose it is. */
  readonly owner: string;
}

/** How long a host is waited for, in seconds; less where a step would go on without its answer. */
const reachPatience = 60;
const lookPatience = 10;
/** How long a VM has to shut down before its power is turned off, in seconds: as long as engine/libvirt gives it. */
const shutdownPatience = 90;

/**
 * Whether the VM that this step is about has gone from its host already, so that there is nothing to take out of a
 * cluster any more. Steps of older states do not say where their VM is; they go on as if it was there.
 */
export async function hasGone(key: string): Promise<boolean> {
  const text = optional("machine");
  if (text === undefined) return false;
  const vm: VmOnHost = JSON.parse(text);
  if (await isOnLostHost(vm)) return false;
  return await isThere(vm, key, lookPatience).then(
    (there) => !there,
    (error) => {
      // What can't be asked may still be there; the step goes on, and says what that means.
      if (!(error instanceof Unreachable)) throw error;
      return false;
    },
  );
}

/** Whether its host is said never to run again. */
export async function isOnLostHost({ site, host }: VmOnHost): Promise<boolean> {
  return host in (await lostHosts(site));
}

/** Whether its host knows it. @throws Error when the host can't be asked, or the VM is somebody else's. */
export async function isThere(vm: VmOnHost, key: string, patience = reachPatience): Promise<boolean> {
  return (await atHost(vm, key, "look", patience)) !== "absent";
}

/** Shuts a VM down and makes its host forget it; its disks stay. Nothing where it has gone already. */
export async function removeVm(vm: VmOnHost, key: string): Promise<void> {
  await atHost(vm, key, "remove", reachPatience);
}

async function atHost(
  { site, name, host, on, uuid, owner }: VmOnHost,
  key: string,
  step: "look" | "remove",
  patience: number,
): Promise<string> {
  const connection = await reach(await asKnownNow(on, site), () => key, patience);
  try {
    return await onGuest(connection, {
      what: `looking after ${name} on ${host}`,
      scripts: ["vm-on-host"],
      args: [step, uuid, owner, String(shutdownPatience)],
    });
  } finally {
    connection.close();
  }
}

/**
 * A host as this step was told of it, with the host key that the site file gives it now. What a step is told is in the
 * state even when the `up` that said so was refused by the host, and `destroy` goes by the state.
 */
async function asKnownNow(on: FolderServer, site: string): Promise<FolderServer> {
  if (on.connect === "local") return on;
  return { ...on, hostKey: (await knownHostKey(site, on.address)) ?? on.hostKey };
}
