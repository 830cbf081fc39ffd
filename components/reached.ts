import type { FolderServer } from "../providers/transport/folder-server.ts";
import type { SshTarget } from "../providers/transport/ssh.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Connect, Vm } from "../site/model.ts";
import { hostKeyOf } from "./key-files.ts";

/** What the site says of how to log in to a machine. Only one that Pulumi runs on may be without an address. */
export interface Reachable {
  readonly name: string;
  readonly connect: Connect;
  readonly user: string;
  readonly address?: string;
  readonly hostKey?: string;
}

/** How a VM of the site is logged in to. */
export function guestTarget(vm: Pick<Vm, "name" | "address">, keys: SiteKeys): SshTarget {
  return { name: vm.name, address: vm.address, user: "root", hostKey: hostKeyOf({ name: vm.name }, keys) };
}

/** How a machine is reached from where Pulumi runs. */
export function reached(machine: Reachable, keys: SiteKeys): FolderServer {
  const { name, connect, user, address } = machine;
  if (connect === "local" || address === undefined) return { connect: "local" };
  return { connect: "ssh", name, address, user, hostKey: hostKeyOf(machine, keys) };
}
