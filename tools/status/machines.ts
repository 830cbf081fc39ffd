import { type Reachable, reached } from "../../components/reached.ts";
import type { FolderServer } from "../../providers/transport/folder-server.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { Site, Vm } from "../../site/model.ts";

/** The boards that are asked as machines, by name: those that run VMs, and the servers. Others say enough in their report. */
export function machinesOf(site: Site, keys: SiteKeys): ReadonlyMap<string, FolderServer> {
  const servers = site.storages.flatMap(({ address, server }): Reachable[] =>
    server === undefined ? [] : [{ ...server, name: server.board, address }],
  );
  const boot: Reachable[] = site.boot === undefined ? [] : [{ ...site.boot.server, name: site.boot.server.board }];
  // The same board in another part is the same machine: a host's own login is the one that can ask libvirt.
  const all: Reachable[] = [...servers, ...boot, ...site.hosts];
  return new Map(all.map((machine) => [machine.name, reached(machine, keys)]));
}

/** How to log in to a VM. */
export function guestOf(vm: Vm, keys: SiteKeys): FolderServer {
  return reached({ name: vm.name, address: vm.address, connect: "ssh", user: "root" }, keys);
}

/** The kind of cluster that a VM can tell about, or an empty word where it is none of those that lead one. */
export function ledBy(site: Site, vm: Vm): string {
  const leads = ["controller", "server"].includes(vm.role);
  return leads ? (site.clusters.find(({ name }) => name === vm.cluster)?.type ?? "") : "";
}
