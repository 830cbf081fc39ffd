import { ipv4ToNumber, type Range, rangeSize } from "./addresses.ts";
import type { HostName, VmName, VmRole } from "./model.ts";
import { inOrder } from "./natural-order.ts";
import type { Path } from "./problem.ts";
import type { AgentGroupInput, K3sClusterInput, ServersInput } from "./schema-k3s.ts";
import type { SlurmClusterInput, WorkerGroupInput } from "./schema-slurm.ts";

/** Clusters between schema and rules: their VMs counted out, in an order that does not depend on that of the file. */

export type ClusterDraft = SlurmDraft | K3sDraft;

export interface SlurmDraft {
  readonly type: "slurm";
  readonly name: string;
  readonly path: Path;
  readonly input: SlurmClusterInput;
  readonly controller: VmDraft;
  readonly groups: readonly GroupDraft<WorkerGroupInput>[];
}

export interface K3sDraft {
  readonly type: "k3s";
  readonly name: string;
  readonly path: Path;
  readonly input: K3sClusterInput;
  readonly servers: GroupDraft<ServersInput>;
  readonly groups: readonly GroupDraft<AgentGroupInput>[];
}

/** VMs that are alike and count up: the servers, or a group. */
export interface GroupDraft<Input> {
  readonly name: string;
  readonly path: Path;
  readonly input: Input;
  readonly members: readonly VmDraft[];
}

export interface VmDraft {
  readonly name: VmName;
  readonly cluster: string;
  readonly role: VmRole;
  readonly group?: string;
  /** 0 for a controller, else from 1. */
  readonly index: number;
  /** Of the controller, the servers or the group. */
  readonly path: Path;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly dataGiB: number;
  /** Undefined when the group's range is too short. */
  readonly address: number | undefined;
  /** Hosts that the user allows; undefined for all. */
  readonly allowed: readonly HostName[] | undefined;
  /** The key that says so. */
  readonly pinnedBy: "host" | "hosts" | undefined;
}

/** The group of a k3s cluster's servers. */
export const serverGroup = "server";

/** All VMs of a cluster, in the order in which they are made. */
export function vmsOf(cluster: ClusterDraft): readonly VmDraft[] {
  const first = cluster.type === "slurm" ? [cluster.controller] : cluster.servers.members;
  return [...first, ...cluster.groups.flatMap((group) => group.members)];
}

/** The groups of a cluster, of which the servers of a k3s cluster are the first. */
export function groupsOf(
  cluster: ClusterDraft,
): readonly GroupDraft<ServersInput | WorkerGroupInput | AgentGroupInput>[] {
  return cluster.type === "slurm" ? cluster.groups : [cluster.servers, ...cluster.groups];
}

/** The name of a worker, agent or server; the name of its VM and of its node in the cluster. */
export function memberName(cluster: string, group: string, index: number): VmName {
  return `${cluster}-${group}${index}` as VmName;
}

/** Spells out a cluster. */
export function draftCluster(name: string, input: SlurmClusterInput | K3sClusterInput): ClusterDraft {
  return input.type === "slurm" ? draftSlurm(name, input) : draftK3s(name, input);
}

function draftSlurm(name: string, input: SlurmClusterInput): SlurmDraft {
  const path = ["clusters", name];
  const { controller } = input;
  return {
    type: "slurm",
    name,
    path,
    input,
    controller: {
      name: `${name}-controller` as VmName,
      cluster: name,
      role: "controller",
      index: 0,
      path: [...path, "controller"],
      cpus: controller.cpus,
      memoryMiB: controller.memory,
      diskGiB: controller.disk,
      dataGiB: controller.data,
      address: ipv4ToNumber(controller.address),
      allowed: hostNames(controller.host === undefined ? undefined : [controller.host]),
      pinnedBy: controller.host === undefined ? undefined : "host",
    },
    groups: inOrder(input.workers).map(([group, workers]) =>
      draftGroup({ cluster: name, role: "worker", name: group, path: [...path, "workers", group] }, workers),
    ),
  };
}

function draftK3s(name: string, input: K3sClusterInput): K3sDraft {
  const path = ["clusters", name];
  return {
    type: "k3s",
    name,
    path,
    input,
    servers: draftGroup(
      { cluster: name, role: "server", name: serverGroup, path: [...path, "servers"], dataGiB: input.servers.data },
      input.servers,
    ),
    groups: inOrder(input.agents).map(([group, agents]) =>
      draftGroup({ cluster: name, role: "agent", name: group, path: [...path, "agents", group] }, agents),
    ),
  };
}

/** Which VMs a group has. */
interface Members {
  readonly cluster: string;
  readonly role: VmRole;
  readonly name: string;
  readonly path: Path;
  readonly dataGiB?: number;
}

interface GroupInput {
  readonly count: number;
  readonly addresses: Range;
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly host?: string | undefined;
  readonly hosts?: readonly string[] | undefined;
}

function draftGroup<Input extends GroupInput>(of: Members, input: Input): GroupDraft<Input> {
  const { cluster, role, name, path, dataGiB = 0 } = of;
  const { count, addresses, cpus, memory, disk, host, hosts } = input;
  const common = {
    cluster,
    role,
    group: name,
    path,
    cpus,
    memoryMiB: memory,
    diskGiB: disk,
    dataGiB,
    allowed: hostNames(hosts ?? (host === undefined ? undefined : [host])),
    pinnedBy: hosts !== undefined ? ("hosts" as const) : host !== undefined ? ("host" as const) : undefined,
  };
  const members = Array.from({ length: count }, (_, before) => ({
    ...common,
    name: memberName(cluster, name, before + 1),
    index: before + 1,
    address: before < rangeSize(addresses) ? addresses.first + before : undefined,
  }));
  return { name, path, input, members };
}

function hostNames(names: readonly string[] | undefined): readonly HostName[] | undefined {
  return names?.map((name) => name as HostName);
}
