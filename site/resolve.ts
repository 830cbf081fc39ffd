import { numberToIpv4 } from "./addresses.ts";
import { resolveBoot } from "./boot.ts";
import { type ClusterDraft, type Draft, type GroupDraft, type VmDraft, workerName } from "./draft.ts";
import { vmMac, vmUuid } from "./identity.ts";
import type { Allowances, Network, Partition, Site, SlurmCluster, User, Vm, WorkerGroup } from "./model.ts";
import { naturalOrder } from "./natural-order.ts";
import type { Placement } from "./placement.ts";
import type { NetworkInput } from "./schema.ts";
import { resolveLost, resolveStorages } from "./storage.ts";

/** Makes the site of a draft that no rule objects to. @throws when there are gaps, which is a fault of the rules. */
export function resolveSite(draft: Draft, placement: Placement<VmDraft>): Site {
  const { name, network, boards, hosts, clusters, vms, users, epochs, limits, allow } = draft;
  if (network === undefined || epochs === undefined || limits === undefined)
    throw new Error(`site ${name}: a gap that no rule found`);
  return {
    name,
    network: resolveNetwork(network),
    boards: boards.map(({ board }) => board),
    hosts,
    ...resolveBoot(draft),
    storages: resolveStorages(draft),
    lost: resolveLost(draft),
    clusters: clusters.map(resolveCluster),
    vms: vms.map((vm) => resolveVm(name, vm, placement)),
    users: users.map(({ name, input }): User => ({ name, uid: input.uid, keys: [...new Set(input.keys)] })),
    epochs,
    limits,
    allow: resolveAllowances(allow),
  };
}

function resolveAllowances(allow: Draft["allow"] = {}): Allowances {
  return Object.fromEntries(Object.entries(allow).filter(([, allowance]) => allowance !== undefined));
}

function resolveNetwork({ cidr, gateway, dns, ntp, mode, bridge }: NetworkInput): Network {
  const router = gateway ?? (mode === "nat" ? numberToIpv4(cidr.first + 1) : undefined);
  return {
    cidr: cidr.text,
    prefixLength: cidr.prefixLength,
    ...(router && { gateway: router }),
    dns: dns ?? (router === undefined ? [] : [router]),
    ntp,
    mode,
    ...(mode === "bridge" && { bridge: bridge ?? "br0" }),
  };
}

function resolveCluster({ name, input, controller, groups }: ClusterDraft): SlurmCluster {
  return {
    name,
    type: "slurm",
    controller: controller.name,
    workers: groups.flatMap(({ members }) => members.map((vm) => vm.name)),
    groups: groups.map((group) => resolveGroup(name, group)),
    partitions: resolvePartitions(input, groups),
    drainTimeoutSeconds: input.drain.timeout,
    disposable: input.disposable,
  };
}

function resolveGroup(cluster: string, { name, input, members }: GroupDraft): WorkerGroup {
  const { first, last } = input.addresses;
  const slots = Array.from({ length: last - first + 1 }, (_, before) => ({
    name: workerName(cluster, name, before + 1),
    address: numberToIpv4(first + before),
  }));
  return { name, cpus: input.cpus, memoryMiB: input.memory, members: members.map((vm) => vm.name), slots };
}

const dayInMinutes = 24 * 60;

/** Without any partitions in the file there is one, `main`, of all groups; a single one is the default. */
function resolvePartitions(input: ClusterDraft["input"], groups: readonly GroupDraft[]): Partition[] {
  const named = Object.entries(input.partitions ?? {}).sort(([a], [b]) => naturalOrder(a, b));
  if (named.length === 0) {
    return [{ name: "main", groups: groups.map(({ name }) => name), maxTimeMinutes: dayInMinutes, default: true }];
  }
  return named.map(([name, partition]) => ({
    name,
    groups: partition.workers,
    maxTimeMinutes: partition.maxTime / 60,
    default: named.length === 1 || partition.default === true,
  }));
}

function resolveVm(site: string, vm: VmDraft, placement: Placement<VmDraft>): Vm {
  const placed = placement.placed.get(vm.name);
  if (placed === undefined || vm.address === undefined) throw new Error(`VM ${vm.name}: a gap that no rule found`);
  const { name, cluster, role, group, cpus, memoryMiB, diskGiB, dataGiB } = vm;
  return {
    name,
    hostname: name,
    cluster,
    role,
    ...(group !== undefined && { group }),
    cpus,
    memoryMiB,
    diskGiB,
    ...(role === "controller" && { dataGiB }),
    address: numberToIpv4(vm.address),
    mac: vmMac(site, name),
    uuid: vmUuid(site, name),
    host: placed.host,
    placement: placed.why,
  };
}
