import { createHash } from "node:crypto";
import type { Host, HostName, VmName } from "./model.ts";
import { naturalOrder } from "./natural-order.ts";

/**
 * Which VM runs on which host. The answer depends on the site alone: no order in the file, no earlier answer. It
 * changes little when the site does:
 * - VMs are placed in a fixed order: pinned ones first, then by memory, then by name.
 * - A VM goes where the fewest of its own group are, so that a dead host takes few of them. Among those hosts it goes
 *   to the one that comes first in the VM's own ranking, in which large hosts come early more often (weighted
 *   rendezvous hashing, Schindelhauer and Schomaker 2005: the score of a host is -memory / ln(hash of VM and host)).
 * - So while there is room, a VM's host depends on its own group and the hosts only: other VMs come and go without
 *   moving it, and a new host takes its share and leaves the rest in place.
 * - Where that leaves a VM without room, all are placed again, each where it leaves the least memory over.
 */

/** What placement needs to know of a VM. */
export interface Placeable {
  readonly name: VmName;
  readonly cluster: string;
  readonly group?: string;
  readonly index: number;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly dataGiB: number;
  /** The hosts to choose from; undefined for all. */
  readonly allowed: readonly HostName[] | undefined;
}

/** What placement needs to know of a host. */
export type Capacity = Pick<Host, "name" | "cores" | "memoryMiB" | "diskGiB">;

export interface Placed {
  readonly host: HostName;
  /** One sentence that says why. */
  readonly why: string;
}

export interface Placement<Vm extends Placeable> {
  readonly placed: ReadonlyMap<VmName, Placed>;
  /** VMs for which no host had room. */
  readonly homeless: readonly Vm[];
  /** What is left on each host, in the order of the hosts. */
  readonly free: readonly Capacity[];
}

/**
 * Virtual processors per core that a host may promise, all its VMs together. Memory and disk are never promised twice:
 * a host that runs out of them kills a VM, one that is short of processor time is only slow.
 */
export const vcpusPerCore = 4;

/** Places VMs on hosts. Deterministic; runs in the time of VMs times hosts. */
export function place<Vm extends Placeable>(
  site: string,
  hosts: readonly Capacity[],
  vms: readonly Vm[],
): Placement<Vm> {
  const ordered = [...vms].sort(inPlacingOrder);
  const spread = placeEach(site, hosts, ordered, "spread");
  if (spread.homeless.length === 0) return spread;
  const packed = placeEach(site, hosts, ordered, "pack");
  return packed.homeless.length === 0 ? packed : spread;
}

/** Virtual processors that a host may promise. */
export function vcpusOf(host: Pick<Capacity, "cores">): number {
  return host.cores * vcpusPerCore;
}

/** Room on one host; `cpus` counts virtual processors. */
interface Room {
  readonly host: Capacity;
  readonly index: number;
  readonly seed: number;
  memoryMiB: number;
  diskGiB: number;
  cpus: number;
}

function placeEach<Vm extends Placeable>(
  site: string,
  hosts: readonly Capacity[],
  vms: readonly Vm[],
  manner: "spread" | "pack",
): Placement<Vm> {
  const rooms = [...hosts]
    .sort((a, b) => naturalOrder(a.name, b.name))
    .map(
      (host, index): Room => ({
        host,
        index,
        seed: seedOf(site, host.name),
        memoryMiB: host.memoryMiB,
        diskGiB: host.diskGiB,
        cpus: vcpusOf(host),
      }),
    );
  const byName = new Map(rooms.map((room) => [room.host.name, room]));
  // Members of each group on each host, by the host's index.
  const groups = new Map<string, Uint32Array>();
  const placed = new Map<VmName, Placed>();
  const homeless: Vm[] = [];

  for (const vm of vms) {
    const allowed = vm.allowed?.flatMap((name) => byName.get(name) ?? []) ?? rooms;
    const candidates = allowed.filter((room) => fits(room, vm));
    const siblings = groups.get(groupOf(vm)) ?? new Uint32Array(rooms.length);
    groups.set(groupOf(vm), siblings);
    const chosen = manner === "pack" ? tightest(candidates) : leastCrowded(candidates, siblings, seedOf(site, vm.name));
    if (chosen === undefined) {
      homeless.push(vm);
      continue;
    }
    placed.set(vm.name, {
      host: chosen.host.name,
      why: reason(vm, candidates.length, siblings[chosen.index] ?? 0, manner),
    });
    siblings[chosen.index] = (siblings[chosen.index] ?? 0) + 1;
    chosen.memoryMiB -= vm.memoryMiB;
    chosen.diskGiB -= vm.diskGiB + vm.dataGiB;
    chosen.cpus -= vm.cpus;
  }
  const free = hosts.map((host) => {
    const { memoryMiB = 0, diskGiB = 0, cpus = 0 } = byName.get(host.name) ?? {};
    return { name: host.name, memoryMiB, diskGiB, cores: cpus / vcpusPerCore };
  });
  return { placed, homeless, free };
}

/** Those with the least choice first, then the largest, then by name. */
function inPlacingOrder(a: Placeable, b: Placeable): number {
  const choice = (vm: Placeable) => vm.allowed?.length ?? Number.MAX_SAFE_INTEGER;
  return (
    choice(a) - choice(b) ||
    b.memoryMiB - a.memoryMiB ||
    naturalOrder(a.cluster, b.cluster) ||
    naturalOrder(a.group ?? "", b.group ?? "") ||
    a.index - b.index
  );
}

function fits({ host, memoryMiB, diskGiB, cpus }: Room, vm: Placeable): boolean {
  return vm.memoryMiB <= memoryMiB && vm.diskGiB + vm.dataGiB <= diskGiB && vm.cpus <= cpus && vm.cpus <= host.cores;
}

function leastCrowded(candidates: readonly Room[], siblings: Uint32Array, seed: number): Room | undefined {
  let best: Room | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  let bestScore = 0;
  for (const room of candidates) {
    const crowd = siblings[room.index] ?? 0;
    if (crowd > fewest) continue;
    const score = -room.host.memoryMiB / Math.log(unitHash(seed ^ room.seed));
    // Equal scores go to the name that comes first, as the rooms are sorted.
    if (crowd < fewest || score > bestScore) [best, fewest, bestScore] = [room, crowd, score];
  }
  return best;
}

function tightest(candidates: readonly Room[]): Room | undefined {
  return candidates.reduce<Room | undefined>(
    (best, room) => (best === undefined || room.memoryMiB < best.memoryMiB ? room : best),
    undefined,
  );
}

function groupOf({ cluster, group }: Placeable): string {
  return group === undefined ? cluster : `${cluster}/${group}`;
}

function reason(vm: Placeable, candidates: number, siblings: number, manner: "spread" | "pack"): string {
  if (vm.allowed?.length === 1) return "pinned to this host in the site file";
  const among = candidates === 1 ? "the only host with room" : `one of ${candidates} hosts with room`;
  if (manner === "pack") return `${among}, the fullest of them: spread out, the VMs would not all fit`;
  if (vm.group === undefined || candidates === 1) return among;
  return `${among}, with ${siblings === 0 ? "no other" : `${siblings} other${siblings === 1 ? "" : "s"}`} of its group, the fewest there are`;
}

/** 32 bits for a name, the same on every machine. SHA-256 once per name; pairs are mixed by {@link unitHash}. */
function seedOf(site: string, name: string): number {
  return createHash("sha256").update(`placement/${site}/${name}`).digest().readInt32LE(0);
}

/** Mixes 32 bits by MurmurHash3's finaliser and scales them to a number between 0 and 1, both excluded. */
function unitHash(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
