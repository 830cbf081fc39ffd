import type { Host, HostName, K3sCluster, Site } from "../model.ts";
import { type Finding, list, showPath } from "../problem.ts";
import { quorumOf } from "./k3s.ts";

/** What is wrong with where servers of k3s run: their disks, and how many of them one host takes with it. */
export function k3sPlacementRules(site: Site): Finding[] {
  return etcdClusters(site).flatMap((cluster) => [
    ...onSharedStorage(site, cluster),
    ...(canSpread(site) ? quorumOnOneHost(site, cluster) : []),
  ]);
}

/** The same where it can't be better, or where it works and is slow. */
export function k3sPlacementWarnings(site: Site): Finding[] {
  const alone = k3sClusters(site).filter(({ datastore }) => datastore === "sqlite");
  return [
    ...etcdClusters(site).flatMap((cluster) => (canSpread(site) ? [] : quorumOnOneHost(site, cluster))),
    ...alone.flatMap((cluster): Finding[] => {
      const shared = hostsOf(site, cluster).find((host) => host.shared !== undefined);
      if (shared === undefined) return [];
      const path = ["clusters", cluster.name, "servers"];
      const message = `${showPath(path)}: ${shared.name} has its VMs' disks on ${shared.shared}, and each write of the cluster's state waits for it`;
      const hint = "name a board with a disk of its own: host: BOARD";
      return [{ rule: "state-on-nfs", path, at: "key", message, hint }];
    }),
  ];
}

function k3sClusters({ clusters }: Site): readonly K3sCluster[] {
  return clusters.filter((cluster) => cluster.type === "k3s");
}

function etcdClusters(site: Site): readonly K3sCluster[] {
  return k3sClusters(site).filter(({ datastore }) => datastore === "etcd");
}

/** With fewer than three hosts, one of them always has most of the servers. */
function canSpread({ hosts }: Site): boolean {
  return hosts.length > 2;
}

/** etcd waits for each write to be on a disk, and chooses another leader when that takes long (etcd-io/etcd#4853). */
function onSharedStorage(site: Site, cluster: K3sCluster): Finding[] {
  const used = new Set(hostsOf(site, cluster));
  const shared = site.hosts.filter((host) => used.has(host) && host.shared !== undefined);
  if (shared.length === 0) return [];
  const path = ["clusters", cluster.name, "servers"];
  const own = site.hosts.filter((host) => host.shared === undefined).map(({ name }) => name);
  const message = `${showPath(path)}: on ${list(shared.map(({ name }) => name))} the disks of VMs are on NFS, where etcd loses its leader again and again`;
  const hint =
    own.length === 0
      ? "give boards a drive: or a storage: folder of their own, or use one server"
      : `name boards with disks of their own, of which there is ${list(own, 10)}: hosts: […]; or use one server`;
  return [{ rule: "etcd-on-nfs", path, at: "key", message, hint }];
}

function quorumOnOneHost(site: Site, cluster: K3sCluster): Finding[] {
  const all = cluster.servers.length;
  const counts = new Map<HostName, number>();
  for (const { name } of hostsOf(site, cluster)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [fullest] = [...counts].sort(([, a], [, b]) => b - a);
  if (fullest === undefined || all - fullest[1] >= quorumOf(all)) return [];
  const [host, there] = fullest;
  const path = ["clusters", cluster.name, "servers"];
  const message = `${showPath(path)}: ${there} of ${all} servers are on ${host}; without it there are ${all - there}, and ${quorumOf(all)} are needed`;
  const hint = canSpread(site)
    ? "let them run on three boards or more: name these in hosts:, and leave them room"
    : "right for a trial; else add boards, so that there are three or more";
  return [{ rule: "quorum-on-one-host", path, at: "key", message, hint }];
}

/** The host of each server. */
function hostsOf({ vms, hosts }: Site, { servers }: K3sCluster): readonly Host[] {
  const places = new Map(vms.map(({ name, host }) => [name, host]));
  return servers.flatMap((server) => hosts.find(({ name }) => name === places.get(server)) ?? []);
}
