import { createHash } from "node:crypto";
import type { Cluster, Epochs, Host, HostName, Site, Vm } from "../model.ts";
import { printLine } from "./line.ts";

/**
 * What the state keeps of a site, for the next change to be held against: one line for each board, storage, cluster
 * and VM, since it is written with the state at every step. Nothing in it is secret. The form is an interface: it is in
 * the state of every stack.
 */
export interface SiteSummary {
  readonly schemaVersion: 1;
  readonly site: string;
  readonly boards: Lines;
  readonly storages: Lines;
  readonly clusters: Lines;
  readonly vms: Lines;
}

type Lines = Readonly<Record<string, string>>;

/** What is true of a site and is not in its model. */
export interface SiteFacts {
  /** Public; tells the site's keys from those of another of the same name. */
  readonly siteId: string;
  /** The guest image of a cluster's VMs on a host. */
  readonly image: (host: Host, cluster: Cluster) => string;
  /** The release of the bootloader that a board is to have, as a date; undefined where it is left as it is. */
  readonly bootloader: (board: HostName) => { readonly version: string; readonly downgrade?: string } | undefined;
}

/** The site as the state keeps it. */
export function summarise(site: Site, facts: SiteFacts): SiteSummary {
  const hosts = new Map(site.hosts.map((host) => [host.name, host]));
  const clusters = new Map(site.clusters.map((cluster) => [cluster.name, cluster]));
  const lost = new Set(site.lost.map(({ name }) => name));
  const storageOf = new Map(
    site.storages.flatMap(({ name, clients }) => clients.map(({ host }) => [host, name] as const)),
  );
  return {
    schemaVersion: 1,
    site: site.name,
    boards: lines(site.boards, ({ name, serial, role }) => {
      const bootloader = facts.bootloader(name);
      const isMeant = bootloader !== undefined && bootloader.downgrade === `to ${bootloader.version}`;
      return printLine(role, {
        serial,
        storage: storageOf.get(name),
        bootloader: bootloader?.version,
        downgrade: isMeant && "meant",
        lost: lost.has(name) && "yes",
      });
    }),
    storages: lines(site.storages, ({ address, path }) => printLine(`${address}:${path}`, {})),
    clusters: lines(site.clusters, (cluster) => clusterLine(cluster, site.epochs)),
    vms: lines(site.vms, (vm) => {
      const host = hosts.get(vm.host);
      const cluster = clusters.get(vm.cluster);
      if (host === undefined || cluster === undefined)
        throw new Error(`VM ${vm.name} is on ${vm.host} and of ${vm.cluster}, of which the site lacks one`);
      return printLine(vm.cluster, {
        role: vm.role,
        host: vm.host,
        make: makeOf(site, host, vm, facts.image(host, cluster), facts.siteId),
        data: vm.dataGiB === undefined ? undefined : `${vm.dataGiB}GiB`,
        // On a storage that hosts share, the data disk is where it was when the VM moves.
        at: vm.dataGiB === undefined ? undefined : (host.shared ?? `${host.name}:${host.storage}`),
      });
    }),
  };
}

function clusterLine(cluster: Cluster, { k3sCa, k3sToken }: Epochs): string {
  const disposable = cluster.disposable && "yes";
  if (cluster.type === "slurm") return printLine(cluster.type, { disposable });
  const { version, podsCidr, servicesCidr } = cluster;
  const begun = { version, pods: podsCidr, services: servicesCidr, ca: String(k3sCa), token: String(k3sToken) };
  return printLine(cluster.type, { disposable, ...begun });
}

/**
 * Changes with all that makes the engine delete the VM and make it again, but for its host. Another way to reckon it
 * would look like a change of every VM.
 */
function makeOf({ network, epochs }: Site, host: Host, vm: Vm, image: string, siteId: string): string {
  const { sshHostKey, deployKey } = epochs;
  const keys = [siteId, sshHostKey, deployKey];
  const { prefixLength, gateway, dns, mode, bridge } = network;
  const machine = [vm.address, vm.mac, vm.uuid, vm.cpus, vm.memoryMiB, vm.diskGiB, host.arch, host.accelerator];
  const parts = [image, keys, machine, prefixLength, gateway ?? "", dns, mode, bridge ?? ""];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
}

function lines<T extends { readonly name: string }>(things: readonly T[], line: (thing: T) => string): Lines {
  return Object.fromEntries(things.map((thing) => [thing.name, line(thing)]));
}
