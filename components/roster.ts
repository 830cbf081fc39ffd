import type { LeavingStep, RosterInputs, RosterMachine } from "../providers/roster/inputs.ts";
import type { K3sMembership } from "../providers/steps/k3s-spec.ts";
import type { VmOnHost } from "../providers/steps/vm-on-host.ts";
import { ownerMark } from "../site/identity.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Cluster, K3sCluster, Site, SlurmCluster, Vm } from "../site/model.ts";
import { guestTarget, reached } from "./reached.ts";

/** All VMs of a site, and how each of them leaves its cluster. `siteId` is that of site/keys.ts. */
export function siteRoster(site: Site, keys: SiteKeys, siteId: string): RosterInputs {
  const clusters = new Map(site.clusters.map((cluster) => [cluster.name, cluster]));
  const machines = site.vms.map((vm): [string, RosterMachine] => {
    const cluster = clusters.get(vm.cluster);
    if (cluster === undefined) throw new Error(`${vm.name} is of cluster ${vm.cluster}, which the site does not have`);
    const place = onHost(vm, site, keys, siteId);
    return [
      vm.name,
      { type: cluster.type, cluster: cluster.name, vm: place, ...leaving(cluster, vm, place, site, keys) },
    ];
  });
  return { site: site.name, machines: Object.fromEntries(machines) };
}

/** Where a VM is. */
function onHost(vm: Vm, site: Site, keys: SiteKeys, siteId: string): VmOnHost {
  const host = site.hosts.find(({ name }) => name === vm.host);
  if (host === undefined) throw new Error(`${vm.name} runs on ${vm.host}, which is no host of the site`);
  return {
    site: site.name,
    name: vm.name,
    host: host.name,
    on: reached(host, keys),
    uuid: vm.uuid,
    owner: ownerMark(site.name, siteId),
  };
}

function leaving(
  cluster: Cluster,
  vm: Vm,
  place: VmOnHost,
  site: Site,
  keys: SiteKeys,
): Pick<RosterMachine, "turn" | "leave"> {
  if (cluster.type === "k3s") return { turn: k3sTurn(cluster, vm), leave: k3sNode(cluster, vm, place, site, keys) };
  // The controller has the jobs of all workers, so it goes when they have gone.
  return vm.role === "controller" ? { turn: 1 } : { turn: 0, leave: slurmWorker(cluster, vm, place, site, keys) };
}

/** What a worker's step is told of how it leaves. */
function slurmWorker(cluster: SlurmCluster, worker: Vm, place: VmOnHost, site: Site, keys: SiteKeys): LeavingStep {
  const controller = site.vms.find(({ name }) => name === cluster.controller);
  if (controller === undefined) throw new Error(`cluster ${cluster.name} has no controller`);
  return {
    step: "slurm-worker",
    show: {
      guest: JSON.stringify(guestTarget(worker, keys)),
      controller: JSON.stringify(guestTarget(controller, keys)),
      places: JSON.stringify({ site: site.name, worker: worker.host, controller: controller.host }),
      patience: String(cluster.drainTimeoutSeconds),
      machine: JSON.stringify(place),
    },
  };
}

/** One after the other, the last that came first: agents, and then servers, of which one may still be needed. */
function k3sTurn({ agents, servers }: K3sCluster, { name, role }: Vm): number {
  return role === "agent" ? -1 - agents.indexOf(name) : servers.length - servers.indexOf(name);
}

/** What a node's step is told of how it leaves. */
function k3sNode(cluster: K3sCluster, node: Vm, place: VmOnHost, site: Site, keys: SiteKeys): LeavingStep {
  const servers = site.vms.filter(({ name }) => cluster.servers.includes(name));
  const member: K3sMembership = {
    site: site.name,
    cluster: cluster.name,
    role: node.role === "server" ? "server" : "agent",
    servers: servers.map((server) => guestTarget(server, keys)),
    places: Object.fromEntries([...servers, node].map(({ name, host }) => [name, host])),
    drain: cluster.drainTimeoutSeconds,
  };
  return {
    step: "k3s-node",
    show: {
      guest: JSON.stringify(guestTarget(node, keys)),
      k3sMembership: JSON.stringify(member),
      machine: JSON.stringify(place),
    },
  };
}
