import type { Draft } from "../draft.ts";
import type { VmDraft } from "../draft-clusters.ts";
import type { Host } from "../model.ts";
import { type Capacity, type Placement, vcpusOf, vcpusPerCore } from "../placement.ts";
import { type Finding, list, showPath } from "../problem.ts";
import { printSize } from "../units.ts";

/** Room for VMs: each fits on a host, and all fit on all hosts. Placement comes after these. */
export function capacityRules({ hosts, vms, countable }: Draft): Finding[] {
  if (!countable || vms.length === 0) return [];
  if (hosts.length === 0) {
    const message = `there are ${vms.length} VMs and no board to run them`;
    const hint =
      "add a board with libvirt on it, or give one that boots over the network a place for disks: storage: or drive:";
    return [{ rule: "no-hosts", path: ["boards"], at: "key", message, hint }];
  }
  const tooLarge = firstsOfGroups(vms).flatMap((vm) => largerThanAny(hosts, vm));
  return tooLarge.length > 0 ? tooLarge : tooMuch(hosts, vms);
}

/** What to say of VMs that placement found no host for. */
export function homelessRules({ hosts }: Draft, { homeless, free }: Placement<VmDraft>): Finding[] {
  // A VM whose boards do not exist is another rule's business.
  const known = homeless.filter(({ allowed }) => free.some(({ name }) => allowed?.includes(name) ?? true));
  return firstsOfGroups(known).map((vm) => {
    const others = homeless.filter((other) => other.path === vm.path).length - 1;
    const choice = free.filter(({ name }) => vm.allowed?.includes(name) ?? true);
    const pinned = vm.pinnedBy !== undefined;
    const names = list([vm.name, ...(others > 0 ? [`${others} more of its group`] : [])]);
    const left = list(
      [...choice].sort((a, b) => b.memoryMiB - a.memoryMiB).map((room) => printRoom(room)),
      5,
    );
    return {
      rule: pinned ? "no-room-where-pinned" : "no-room",
      path: vm.pinnedBy === undefined ? vm.path : [...vm.path, vm.pinnedBy],
      message: `no room for ${names}: ${printNeed(vm)}${others > 0 ? " each" : ""}, and with all others placed there is left ${left}`,
      hint: pinned
        ? "pin fewer VMs there, or make them smaller"
        : `the sums would fit, but no single host has enough left of ${hosts.length}: make the VMs smaller, or add memory`,
    };
  });
}

function largerThanAny(hosts: readonly Host[], vm: VmDraft): Finding[] {
  const needs = [
    {
      key: "memory",
      need: vm.memoryMiB,
      of: (host: Host) => host.memoryMiB,
      print: printSize,
      what: "of memory for VMs",
    },
    { key: "cpus", need: vm.cpus, of: (host: Host) => host.cores, print: String, what: "cores" },
    {
      key: "disk",
      need: vm.diskGiB + vm.dataGiB,
      of: (host: Host) => host.diskGiB,
      print: (gib: number) => `${gib}GiB`,
      what: "of disk for VMs",
    },
  ];
  return needs.flatMap(({ key, need, of, print, what }): Finding[] => {
    const [largest] = [...hosts].sort((a, b) => of(b) - of(a));
    if (largest === undefined || need <= of(largest)) return [];
    const message = `${showPath(vm.path)}: a VM with ${print(need)} of ${key} fits on no host; the largest, ${largest.name}, has ${print(of(largest))} ${what}`;
    return [{ rule: "vm-too-large", path: [...vm.path, key], message, hint: `use at most ${print(of(largest))}` }];
  });
}

function tooMuch(hosts: readonly Host[], vms: readonly VmDraft[]): Finding[] {
  const sums = [
    {
      what: "memory",
      asked: sum(vms, (vm) => vm.memoryMiB),
      there: sum(hosts, (host) => host.memoryMiB),
      print: printSize,
    },
    {
      what: "disk",
      asked: sum(vms, (vm) => vm.diskGiB + vm.dataGiB),
      there: sum(hosts, (host) => host.diskGiB),
      print: (gib: number) => `${gib}GiB`,
    },
    { what: "virtual processors", asked: sum(vms, (vm) => vm.cpus), there: sum(hosts, vcpusOf), print: String },
  ];
  const over = sums.filter(({ asked, there }) => asked > there);
  return over.map(({ what, asked, there, print }) => ({
    rule: "site-too-big",
    path: ["clusters"],
    at: "key",
    message: `${vms.length} VMs ask for ${print(asked)} of ${what}, and ${hosts.length} host${hosts.length === 1 ? " has" : "s have"} ${print(there)}`,
    hint:
      what === "virtual processors"
        ? `${vcpusPerCore} per core are allowed: use fewer, or add hosts`
        : "use fewer or smaller VMs, or add hosts",
  }));
}

/** One VM of each controller and worker group; the others are like it. */
function firstsOfGroups(vms: readonly VmDraft[]): VmDraft[] {
  return [...new Map([...vms].reverse().map((vm) => [showPath(vm.path), vm])).values()].reverse();
}

function printNeed(vm: VmDraft): string {
  return `${printSize(vm.memoryMiB)} of memory, ${vm.cpus} CPU${vm.cpus === 1 ? "" : "s"} and ${vm.diskGiB + vm.dataGiB}GiB of disk`;
}

function printRoom(room: Capacity): string {
  return `on ${room.name} ${printSize(room.memoryMiB)}, ${vcpusOf(room)} CPUs and ${room.diskGiB}GiB`;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
