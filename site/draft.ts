import type { Checked } from "./check-schema.ts";
import { type ClusterDraft, draftCluster, type VmDraft, vmsOf } from "./draft-clusters.ts";
import type { Arch, Board, Host, HostName } from "./model.ts";
import { parseName } from "./names.ts";
import { inOrder } from "./natural-order.ts";
import type { Path } from "./problem.ts";
import {
  type BoardInput,
  boardModels,
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
  readonly rollout: SiteInput["rollout"];
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
    vms: clusters.flatMap(vmsOf),
    users: inOrder(input.users).map(([name, user]) => ({ name, path: ["users", name], input: user })),
    epochs: input.keys?.epoch,
    limits: input.limits,
    rollout: input.rollout,
    allow: input.allow,
    boardNames: namesIn(document, "boards"),
    countable: !incomplete.has("boards") && !incomplete.has("clusters") && hosts.length === runVms.length,
  };
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

function namesIn(document: unknown, section: string): string[] {
  if (typeof document !== "object" || document === null) return [];
  const entries: unknown = Reflect.get(document, section);
  return typeof entries === "object" && entries !== null
    ? Object.keys(entries).filter((name) => "value" in parseName(name))
    : [];
}
