import { numberToIpv4, type Range } from "./addresses.ts";
import { type ClusterDraft, type K3sDraft, memberName, type SlurmDraft, serverGroup } from "./draft-clusters.ts";
import type {
  AgentGroup,
  Cluster,
  K3sCluster,
  K3sSettings,
  Partition,
  SharedStorage,
  Slot,
  SlurmCluster,
  WorkerGroup,
} from "./model.ts";
import { inOrder } from "./natural-order.ts";

/** The cluster of a draft that no rule objects to. @throws when there are gaps, which is a fault of the rules. */
export function resolveCluster(draft: ClusterDraft, storages: readonly SharedStorage[]): Cluster {
  return draft.type === "slurm" ? resolveSlurm(draft) : resolveK3s(draft, storages);
}

/** The name server for pods is the tenth address of the services, as k3s has it. */
export const dnsIndex = 10;

function resolveSlurm({ name, input, controller, groups }: SlurmDraft): SlurmCluster {
  return {
    name,
    type: "slurm",
    controller: controller.name,
    workers: groups.flatMap(({ members }) => members.map((vm) => vm.name)),
    groups: groups.map((group) => resolveGroup(name, group)),
    partitions: resolvePartitions({ input, groups }),
    drainTimeoutSeconds: input.drain.timeout,
    disposable: input.disposable,
  };
}

function resolveK3s({ name, input, servers, groups }: K3sDraft, storages: readonly SharedStorage[]): K3sCluster {
  const { version, endpoint, pods, services, config, registries, drain, slowDisk, disposable } = input;
  const storage = storages.find((known) => known.name === input.storage);
  if (input.storage !== undefined && storage === undefined) throw new Error(`cluster ${name}: its storage is missing`);
  return {
    name,
    type: "k3s",
    version,
    ...(endpoint && { endpoint }),
    datastore: servers.members.length === 1 ? "sqlite" : "etcd",
    servers: servers.members.map((vm) => vm.name),
    serverSlots: slotsOf(name, serverGroup, input.servers.addresses),
    agents: groups.flatMap(({ members }) => members.map((vm) => vm.name)),
    groups: groups.map(
      (group): AgentGroup => ({
        ...resolveGroup(name, group),
        labels: Object.fromEntries(inOrder(group.input.labels)),
        taints: group.input.taints,
      }),
    ),
    podsCidr: pods.text,
    servicesCidr: services.text,
    dns: numberToIpv4(services.first + dnsIndex),
    settings: { servers: written(config.servers), agents: written(config.agents) },
    ...(registries && { registries }),
    ...(storage && { storage }),
    drainTimeoutSeconds: drain.timeout,
    ...(slowDisk && { slowDisk }),
    disposable,
  };
}

interface Members {
  readonly name: string;
  readonly input: { readonly addresses: Range; readonly cpus: number; readonly memory: number };
  readonly members: readonly { readonly name: WorkerGroup["members"][number] }[];
}

function resolveGroup(cluster: string, { name, input, members }: Members): WorkerGroup {
  return {
    name,
    cpus: input.cpus,
    memoryMiB: input.memory,
    members: members.map((vm) => vm.name),
    slots: slotsOf(cluster, name, input.addresses),
  };
}

function slotsOf(cluster: string, group: string, { first, last }: Range): Slot[] {
  return Array.from({ length: last - first + 1 }, (_, before) => ({
    name: memberName(cluster, group, before + 1),
    address: numberToIpv4(first + before),
  }));
}

/** The keys that the file has, by name, so that what is made of them does not depend on their order there. */
function written(config: Readonly<Record<string, K3sSettings[string] | undefined>>): K3sSettings {
  const there = inOrder(config).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return Object.fromEntries(there);
}

const dayInMinutes = 24 * 60;

/** Without any partitions in the file there is one, `main`, of all groups; a single one is the default. */
function resolvePartitions({ input, groups }: Pick<SlurmDraft, "input" | "groups">): Partition[] {
  const named = inOrder(input.partitions);
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
