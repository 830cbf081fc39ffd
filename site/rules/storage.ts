import { type BoardDraft, type Draft, isStorageName, type StorageDraft } from "../draft.ts";
import { groupsOf } from "../draft-clusters.ts";
import { nearest } from "../nearest.ts";
import { type Finding, list, type Path, show, showPath } from "../problem.ts";
import { missingKey } from "../schema-guide.ts";
import { parentFolder } from "../storage.ts";

/** The folders that hosts share: who serves them, who uses them, and who is said to be lost. */
export function storageRules(draft: Draft): Finding[] {
  return [
    ...draft.storages.flatMap((storage) => servedOnce(storage, draft)),
    ...draft.boards.flatMap((board) => [...uses(board, draft), ...needsDrive(board, draft)]),
    ...drivesOfServers(draft),
    ...draft.boards.flatMap((board) => losses(board, draft)),
  ];
}

/** Mistakes that may be meant. */
export function storageWarnings({ storages, boards, clusters }: Draft): Finding[] {
  const ofPods = new Set(clusters.map((cluster) => (cluster.type === "k3s" ? cluster.input.storage : undefined)));
  const unused = storages
    .filter(({ name }) => !ofPods.has(name) && boards.every(({ input }) => input.storage !== name))
    .map(({ name, path }): Finding => {
      const message = `no board uses ${showPath(path)}`;
      const hint = `add storage: ${name} to the boards whose VMs shall have their disks there`;
      return { rule: "unused-storage", path, at: "key", message, hint };
    });
  const keeps = clusters.some(({ input }) => !input.disposable);
  const alone = boards
    .filter(({ board, input }) => board.role === "hypervisor" && input.lost !== undefined)
    .filter(({ input }) => keeps && !isStorageName(input.storage))
    .map(({ path, board }): Finding => {
      const message = `${board.name} has its VMs' disks for itself: the data disk of a controller or server that ran there is lost with it, and \`up\` refuses to begin without it`;
      const hint = "if that is so, add disposable: true to that cluster for one `up`: what it keeps begins empty";
      return { rule: "data-lost", path: [...path, "lost"], at: "key", message, hint };
    });
  return [...unused, ...alone];
}

function servedOnce({ path, input }: StorageDraft, { boards, boardNames }: Draft): Finding[] {
  const { server, address } = input;
  if (server !== undefined && address !== undefined) {
    const message = `${showPath(path)} has both server and address`;
    const hint = "keep server for a board of this site, or address for a machine that you look after yourself";
    return [
      { rule: "server-and-address", path: [...path, "server"], at: "key", other: [...path, "address"], message, hint },
    ];
  }
  if (server === undefined) {
    if (address !== undefined) return [];
    const hint = "add server: BOARD, with the name of a board of role nfs-server, or the address of your own NAS";
    return [{ rule: "no-server", path, message: `nobody serves ${showPath(path)}`, hint }];
  }
  const at = [...path, "server"];
  const board = boards.find(({ board }) => board.name === server);
  if (board === undefined) {
    // A board with mistakes of its own is not here, and they are told.
    if (boardNames.includes(server)) return [];
    const servers = boards.filter(({ board }) => board.role === "nfs-server").map(({ board }) => board.name);
    const hint = knownNames(server, servers.length > 0 ? servers : boardNames, "board");
    return [{ rule: "unknown-board", path: at, message: `there is no board ${show(server)}`, hint }];
  }
  if (board.board.role !== "nfs-server") {
    const message = `${server} is a ${board.board.role} and serves no storage`;
    const hint = `add role: nfs-server to ${showPath(board.path)}; a board that runs VMs can't have their disks for others`;
    return [{ rule: "no-nfs-server", path: at, other: board.path, message, hint }];
  }
  return board.board.address === undefined ? [missingKey([...board.path, "address"])] : [];
}

function uses({ path, input, board }: BoardDraft, { storages }: Draft): Finding[] {
  if (!isStorageName(input.storage)) return [];
  const at = [...path, "storage"];
  const storage = storages.find(({ name }) => name === input.storage);
  if (storage === undefined) {
    const known = storages.map(({ name }) => name);
    const hint =
      known.length === 0
        ? `add storage: { ${input.storage}: { server: BOARD } } to the site, or write a folder, such as /var/lib/libvirt/bramble`
        : knownNames(input.storage, known, "storage");
    return [{ rule: "unknown-storage", path: at, message: `there is no storage ${show(input.storage)}`, hint }];
  }
  if (board.role !== "hypervisor") {
    const isOwn = storage.input.server === board.name;
    const message = isOwn
      ? `${board.name} serves ${storage.name} and can't be one of those that use it`
      : `${showPath(at)}: a ${board.role} runs no VMs, so it has no disks to keep there`;
    return [{ rule: "storage-not-used", path: at, at: "key", message, hint: "remove the key" }];
  }
  return board.address === undefined ? [missingKey([...path, "address"])] : [];
}

function needsDrive({ path, input, board, fromNetwork }: BoardDraft, { storages }: Draft): Finding[] {
  const serves = storages.find(({ input }) => input.server === board.name);
  if (!fromNetwork || board.role !== "nfs-server" || serves === undefined || input.drive !== undefined) return [];
  const message = `${board.name} boots over the network and has no disk to keep ${serves.name} on`;
  const hint =
    "add drive: NAME, as `ls -l /dev/disk/by-id` shows it for the partition, such as usb-Samsung_T7_S5T-part1";
  return [{ rule: "no-drive", path, message, hint }];
}

/** A server without a disk of its own has one drive, mounted at the parent folder of its storages. */
function drivesOfServers({ boards, storages }: Draft): Finding[] {
  return boards
    .filter(({ fromNetwork }) => fromNetwork)
    .flatMap(({ board }): Finding[] => {
      const [first, ...others] = storages.filter(({ input }) => input.server === board.name);
      if (first === undefined) return [];
      return others
        .filter(({ input }) => parentFolder(input.path) !== parentFolder(first.input.path))
        .map(({ path, input }) => {
          const message = `${board.name} has one drive, and ${input.path} is not beside ${first.input.path} on it`;
          const hint = `use a folder in ${parentFolder(first.input.path)}`;
          return { rule: "storage-apart", path: [...path, "path"], other: first.path, message, hint };
        });
    });
}

function losses({ path, input, board }: BoardDraft, { boot, storages, clusters }: Draft): Finding[] {
  if (input.lost === undefined) return [];
  const at = [...path, "lost"];
  if (board.name === boot?.server) {
    const message = `${board.name} is lost and is the boot server`;
    return [{ rule: "lost-server", path: at, message, hint: "give boot.server the name of the machine in its place" }];
  }
  const served = storages.find(({ input }) => input.server === board.name);
  if (served !== undefined) {
    const message = `${board.name} is lost, and with it the disks in ${served.name}`;
    const hint = `set up a server with a copy of them and give ${showPath([...served.path, "server"])} its name, or take the storage out`;
    return [{ rule: "lost-server", path: at, other: served.path, message, hint }];
  }
  const pinned = clusters.flatMap((cluster) => [
    ...(cluster.type === "slurm" && cluster.input.controller.host === board.name
      ? [[...cluster.controller.path, "host"]]
      : []),
    ...groupsOf(cluster).flatMap(({ path, input: group }) => [
      ...(group.host === board.name ? [[...path, "host"]] : []),
      // One of several: the others take its VMs.
      ...(group.hosts?.every((host) => host === board.name) ? [[...path, "hosts"]] : []),
    ]),
  ]);
  return pinned.map((pin: Path): Finding => {
    const message = `${showPath(pin)} has VMs on ${board.name} only, which is lost`;
    return { rule: "pinned-to-lost", path: pin, other: at, message, hint: "name another board, or remove the key" };
  });
}

function knownNames(name: string, known: readonly string[], what: string): string {
  const meant = nearest(name, known);
  const there = known.length === 0 ? `there is no ${what}` : `there is ${what} ${list(known, 10)}`;
  return `${meant === undefined ? "" : `did you mean ${meant}? `}${there}`;
}
