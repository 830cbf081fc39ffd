import { list } from "../problem.ts";
import { type Change, counted, fateOf, membersOf, type Objection } from "./objection.ts";
import type { VmOutline } from "./outline.ts";

/** What becomes of the disks of VMs. */
export function diskRules(change: Change): Objection[] {
  return [...dataLost(change), ...diskShared(change), ...storageTaken(change)];
}

/** Data that nobody has said to be disposable. */
function dataLost(change: Change): Objection[] {
  return [...change.before.vms.values()].flatMap((vm): Objection[] => {
    // Each server of several has all data, so what counts is how many stay.
    if (vm.data === undefined || isOneOfSeveral(vm, change)) return [];
    const goes = fateOf(vm, change) === "goes";
    const { disposable } = (goes ? change.before : change.after).clusters.get(vm.cluster) ?? { disposable: false };
    if (disposable) return [];
    const disk = `its data disk of ${vm.data.size} at ${vm.data.at}`;
    if (goes) {
      const message = `${vm.name} would go, and with it ${disk}`;
      const instead = `copy what is on it, write disposable: true to cluster ${vm.cluster} and run \`up\`, and take it out after that`;
      return [{ rule: "data-lost", message, instead, about: [`${vm.name} goes`] }];
    }
    const next = change.after.vms.get(vm.name)?.data;
    if (next?.at === vm.data.at && next.size === vm.data.size) return [];
    const then =
      next === undefined
        ? "and would have none"
        : `and would get another of ${next.size} at ${next.at}, empty unless you have put a copy there`;
    const stay = next?.at === vm.data.at ? `keep it at ${vm.data.size}` : `keep ${vm.name} where it is by host:`;
    const instead = `${stay}, or copy the disk as docs/operations.md says (Move a VM), or write disposable: true to cluster ${vm.cluster} for one \`up\``;
    return [
      {
        rule: "data-lost",
        message: `${vm.name} has ${disk}, ${then}`,
        instead,
        about: [`${vm.name} ${next?.size} ${next?.at}`],
      },
    ];
  });
}

function isOneOfSeveral(vm: VmOutline, change: Change): boolean {
  return (
    vm.role === "server" && membersOf(vm.cluster, change).filter((member) => member.vm.role === "server").length > 1
  );
}

/** To the engine, a VM in another cluster is another VM: it would be made before the old one is gone, with its disks. */
function diskShared(change: Change): Objection[] {
  return [...change.before.vms.values()].flatMap((vm): Objection[] => {
    const next = change.after.vms.get(vm.name);
    if (next === undefined || fateOf(vm, change) !== "goes") return [];
    const kind = (name: string, { clusters }: Change["before"]) =>
      `${clusters.get(name)?.type ?? "no"} cluster ${name}`;
    const message =
      `${vm.name} would be two VMs with the same disks and addresses, that of the ${kind(vm.cluster, change.before)}, ` +
      `which goes, and that of the ${kind(next.cluster, change.after)}, which comes`;
    const instead = `take ${vm.cluster} out in one \`up\` and add ${next.cluster} in the next, or give the new cluster or group another name`;
    return [{ rule: "disk-shared", message, instead, about: [`${vm.name} ${vm.cluster} ${next.cluster}`] }];
  });
}

/** VMs on a host whose storage is another now go on to use the old one, until they find it gone. */
function storageTaken({ before, after }: Change): Objection[] {
  return [...before.storages].flatMap(([storage, at]): Objection[] => {
    const next = after.storages.get(storage);
    const clients = [...before.boards].filter(([name, board]) => {
      const now = after.boards.get(name);
      // A host that goes takes its VMs off the storage first; one that is lost writes no more.
      if (board.storage !== storage || now === undefined || now.lost) return false;
      return now.storage !== storage || next !== at;
    });
    const names = clients.map(([name]) => name);
    const vms = [...before.vms.values()].filter(({ host }) => names.includes(host));
    if (vms.length === 0) return [];
    const used = names.filter((name) => vms.some(({ host }) => host === name));
    const moved = next === undefined || next === at ? "" : `, for it would be at ${next} in the place of ${at}`;
    const message = `${storage} would be taken from ${list(used)} with ${counted(vms.length, "VM")} on ${used.length === 1 ? "it" : "them"} (${list(vms.map(({ name }) => name))})${moved}`;
    const instead = "in one `up`, let the VMs run on other hosts or take them out; change the storage in the next";
    return [{ rule: "storage-taken", message, instead, about: [`${storage} ${next ?? "goes"}`, ...used] }];
  });
}
