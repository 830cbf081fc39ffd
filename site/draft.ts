import { ipv4ToNumber, rangeSize } from "./addresses.ts";
import type { Checked } from "./check-schema.ts";
import type { Arch, Board, Host, HostName, VmName, VmRole } from "./model.ts";
import { parseName } from "./names.ts";
import { naturalOrder } from "./natural-order.ts";
import type { Path } from "./problem.ts";
import type { WorkerGroupInput } from "./schema.ts";
import {
  type BoardInput,
  boardModels,
  type ClusterInput,
  type NetworkInput,
  type SiteInput,
  type StorageInput,
  type UserInput,
} from "./schema.ts";
import type { BootInput } from "./schema-boot.ts";

/**
 * The site between schema and rules: names spelled out, VMs counted out, everything in one order that does not depend
 * on the order in the file. It may have gaps, where the file has mistakes.
 */
export interface Draft {
  readonly name: string;
  readonly network: NetworkInput | undefined;
  readonly boards: readonly BoardDraft[];
  readonly boot: BootInput | undefined;
  /** Whether the file has a boot section at all, be it one with mistakes. */
  readonly boots: boolean;
  readonly hosts: readonly Host[];
  readonly storages: readonly StorageDraft[];
  readonly clusters: readonly ClusterDraft[];
  readonly vms: readonly VmDraft[];
  readonly users: readonly UserDraft[];
  readonly epochs: NonNullable<SiteInput["keys"]>["epoch"] | undefined;
  readonly limits: SiteInput["limits"];
  readonly allow: SiteInput["allow"];
  /** Names of all boards in the file, also of those with mistakes; not those whose name is one. */
  readonly boardNames: readonly string[];
  /** Whether all boards and VMs of the file are here, so that sums over them mean something. */
  readonly countable: boolean;
}

export interface BoardDraft {
  readonly path: Path;
  readonly board: Board;
  readonly input: BoardInput;
  /** Whether it is to boot over the network. */
  readonly fromNetwork: boolean;
  /** The folder that outlives a reboot, where VMs' disks are; undefined where nothing does. */
  readonly lasting: string | undefined;
}

export interface StorageDraft {
  readonly name: string;
  readonly path: Path;
  readonly input: StorageInput;
}

export interface ClusterDraft {
  readonly name: string;
  readonly path: Path;
  readonly input: ClusterInput;
  readonly controller: VmDraft;
  readonly groups: readonly GroupDraft[];
}

export interface GroupDraft {
  readonly name: string;
  readonly path: Path;
  readonly input: WorkerGroupInput;
  readonly members: readonly VmDraft[];
}

export interface VmDraft {
  readonly name: VmName;
  readonly cluster: string;
  readonly role: VmRole;
  readonly group?: string;
  /** 0 for a controller, else from 1. */
  readonly index: number;
  /** Of the controller or the worker group. */
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

export interface UserDraft {
  readonly name: string;
  readonly path: Path;
  readonly input: UserInput;
}

/** Spells out what the schema let through. `fileName` names the site when it does not name itself. */
export function draftSite(fileName: string, document: unknown, { input, incomplete }: Checked): Draft {
  const boots = "boot" in Object(document);
  const boards = inOrder(input.boards).map(([name, board]) => draftBoard(name, board, boots));
  const runVms = boards.filter(canRunVms);
  const hosts = runVms.flatMap((board) => hostOf(board) ?? []);
  const clusters = inOrder(input.clusters).map(([name, cluster]) => draftCluster(name, cluster));
  return {
    name: input.site ?? fileName,
    network: input.network,
    boards,
    boot: input.boot,
    boots,
    hosts,
    storages: inOrder(input.storage).map(([name, storage]) => ({ name, path: ["storage", name], input: storage })),
    clusters,
    vms: clusters.flatMap(({ controller, groups }) => [controller, ...groups.flatMap((group) => group.members)]),
    users: inOrder(input.users).map(([name, user]) => ({ name, path: ["users", name], input: user })),
    epochs: input.keys?.epoch,
    limits: input.limits,
    allow: input.allow,
    boardNames: namesIn(document, "boards"),
    countable: !incomplete.has("boards") && !incomplete.has("clusters") && hosts.length === runVms.length,
  };
}

/** The name of a worker; the name of its VM and of its node in Slurm. */
export function workerName(cluster: string, group: string, index: number): VmName {
  return `${cluster}-${group}${index}` as VmName;
}

function draftBoard(name: string, input: BoardInput, siteBoots: boolean): BoardDraft {
  const { model, role, serial, mac, address } = input;
  const arch: Arch = model === "pc" ? (input.arch ?? "x86_64") : "aarch64";
  const known = { ...(serial && { serial }), ...(mac && { mac }), ...(address && { address }) };
  const fromNetwork = model !== "pc" && input.boot !== "disk" && (siteBoots || input.boot === "network");
  return {
    path: ["boards", name],
    board: { name: name as HostName, model, role, arch, ...known },
    input,
    fromNetwork,
    lasting: lastingFolder(name, input, fromNetwork),
  };
}

/** Where each storage is mounted, on every host. */
export function storageFolder(name: string): string {
  return `/var/lib/bramble/storage/${name}`;
}

/** Where a board's drive is mounted. */
export const driveFolder = "/var/lib/bramble/drive";

const usualFolder = "/var/lib/libvirt/bramble";

/** On a storage that hosts share, each has a folder of its own: for its pool and what it knows of its VMs. */
function lastingFolder(board: string, { storage, drive }: BoardInput, fromNetwork: boolean): string | undefined {
  if (isStorageName(storage)) return `${storageFolder(storage)}/hosts/${board}`;
  if (!fromNetwork) return storage ?? usualFolder;
  return drive === undefined ? undefined : `${driveFolder}/bramble`;
}

/** Whether a board's `storage` is the name of one that hosts share, and not a folder. */
export function isStorageName(storage: string | undefined): storage is string {
  return storage !== undefined && !storage.startsWith("/");
}

/** One without a disk of any kind would have the disks of its VMs in memory. */
function canRunVms({ board, input, lasting }: BoardDraft): boolean {
  return board.role === "hypervisor" && lasting !== undefined && input.lost === undefined;
}

/** The board as a host of VMs; undefined when it does not say how many cores it has. */
function hostOf({ board, input, fromNetwork, lasting }: BoardDraft): Host | undefined {
  const cores = board.model === "pc" ? input.cores : boardModels[board.model].cores;
  if (cores === undefined || lasting === undefined) return undefined;
  const { connect, user, accelerator, storage, hostKey, address } = input;
  return {
    name: board.name,
    board,
    arch: board.arch,
    cores,
    memoryMiB: Math.max(0, input.memory - input.reserve),
    diskGiB: input.disk,
    connect,
    user,
    accelerator,
    storage: lasting,
    fromNetwork,
    ...(isStorageName(storage) && { shared: storage }),
    ...(address && { address }),
    ...(hostKey && { hostKey }),
  };
}

function draftCluster(name: string, input: ClusterInput): ClusterDraft {
  const path = ["clusters", name];
  const { controller } = input;
  return {
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
      draftGroup(name, group, [...path, "workers", group], workers),
    ),
  };
}

function draftGroup(cluster: string, name: string, path: Path, input: WorkerGroupInput): GroupDraft {
  const { count, addresses, cpus, memory, disk, host, hosts } = input;
  const common = {
    cluster,
    role: "worker" as const,
    group: name,
    path,
    cpus,
    memoryMiB: memory,
    diskGiB: disk,
    dataGiB: 0,
    allowed: hostNames(hosts ?? (host === undefined ? undefined : [host])),
    pinnedBy: hosts !== undefined ? ("hosts" as const) : host !== undefined ? ("host" as const) : undefined,
  };
  const members = Array.from({ length: count }, (_, before) => ({
    ...common,
    name: workerName(cluster, name, before + 1),
    index: before + 1,
    address: before < rangeSize(addresses) ? addresses.first + before : undefined,
  }));
  return { name, path, input, members };
}

function hostNames(names: readonly string[] | undefined): readonly HostName[] | undefined {
  return names?.map((name) => name as HostName);
}

function inOrder<T>(entries: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(entries ?? {}).sort(([a], [b]) => naturalOrder(a, b));
}

function namesIn(document: unknown, section: string): string[] {
  if (typeof document !== "object" || document === null) return [];
  const entries: unknown = Reflect.get(document, section);
  return typeof entries === "object" && entries !== null
    ? Object.keys(entries).filter((name) => "value" in parseName(name))
    : [];
}
