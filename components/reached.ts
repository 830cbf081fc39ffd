import type { FolderServer } from "../providers/transport/folder-server.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Connect } from "../site/model.ts";
import { hostKeyOf } from "./key-files.ts";

/** What the site says of how to log in to a machine. Only one that Pulumi runs on may be without an address. */
export interface Reachable {
  readonly name: string;
  readonly connect: Connect;
  readonly user: string;
  readonly address?: string;
  readonly hostKey?: string;
}

/** How a machine is reached from where Pulumi runs. */
export function reached(machine: Reachable, keys: SiteKeys): FolderServer {
  const { name, connect, user, address } = machine;
  if (connect === "local" || address === undefined) return { connect: "local" };
  return { connect: "ssh", name, address, user, hostKey: hostKeyOf(machine, keys) };
}
