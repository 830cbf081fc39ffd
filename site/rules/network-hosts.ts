import { type BoardDraft, type Draft, isStorageName } from "../draft.ts";
import { type Finding, type Path, showPath } from "../problem.ts";
import type { ImageLayerInput } from "../schema-image.ts";

/** What boards that boot over the network keep, and so whether VMs can be on them: where disks are, and a host key. */
export function networkHostRules(draft: Draft): Finding[] {
  return [
    ...draft.boards.flatMap((board) => [...notFromNetwork(board), ...disks(board)]),
    ...strangers(draft),
    ...neededServices(draft),
  ];
}

/** Without these a board can't be asked for anything, and nobody would know why. */
function neededServices({ boot, boards }: Draft): Finding[] {
  const layers: [Path, ImageLayerInput | undefined][] = [
    [["boot", "image"], boot?.image],
    ...Object.entries(boot?.roles ?? {}).map(([role, layer]): [Path, ImageLayerInput | undefined] => [
      ["boot", "roles", role],
      layer,
    ]),
    ...boards.map(({ path, input }): [Path, ImageLayerInput | undefined] => [[...path, "image"], input.image]),
  ];
  return layers.flatMap(([path, layer]) =>
    Object.entries(layer?.services ?? {}).flatMap(([runlevel, names]) =>
      (names ?? []).flatMap((name, index): Finding[] => {
        if (!/^!(sshd|networking|bramble-.*)$/.test(name)) return [];
        const at = [...path, "services", runlevel, index];
        const message = `${showPath(path)}: without ${name.slice(1)}, a board can't be asked whether it is ready`;
        return [{ rule: "needed-service", path: at, message, hint: "leave it out" }];
      }),
    ),
  );
}

/** On a pc these keys are another rule's business, and without a section it is that which is missed. */
function notFromNetwork({ path, input, board, fromNetwork }: BoardDraft): Finding[] {
  if (fromNetwork || board.model === "pc" || input.boot !== "disk") return [];
  return (["drive", "image"] as const)
    .filter((key) => input[key] !== undefined)
    .map((key) => ({
      rule: "not-for-this-boot",
      path: [...path, key],
      at: "key",
      message: `${showPath(path)}: ${key} says nothing about a board that boots from a disk of its own`,
      hint: key === "drive" ? "remove it; storage: says where the disks of VMs are" : "remove it, or boot: disk",
    }));
}

function disks({ path, input, fromNetwork }: BoardDraft): Finding[] {
  if (!fromNetwork) return [];
  const { storage, drive } = input;
  const at = [...path, "storage"];
  if (storage !== undefined && drive !== undefined) {
    const message = `${showPath(path)} has a storage and a drive, and the disks of its VMs go to one place`;
    return [{ rule: "two-places", path: at, other: [...path, "drive"], message, hint: "keep one of them" }];
  }
  if (storage === undefined || isStorageName(storage)) return [];
  const message = `${showPath(at)}: ${storage} is gone at each reboot of a board that boots over the network`;
  const hint = "write the name of a storage, or drive: with a partition of a disk on the board";
  return [{ rule: "storage-not-lasting", path: at, message, hint }];
}

/** Boards that nobody tells who they are, since the boot server is not ours: they make a new host key at each boot. */
function strangers({ boot, boards }: Draft): Finding[] {
  if (boot === undefined || boot.manage) return [];
  return boards.filter(isStranger).flatMap(({ path, board, input, lasting }): Finding[] => {
    if (board.role !== "hypervisor" || lasting === undefined) return [];
    const key = input.drive === undefined ? "storage" : "drive";
    const message = `${showPath(path)} can't be a host: with boot.manage: false nobody answers who it is, and it has another SSH host key after each reboot`;
    const hint = `let Bramble run the boot server (manage: true), or remove ${key}`;
    return [{ rule: "no-identity", path: [...path, key], at: "key", other: ["boot", "manage"], message, hint }];
  });
}

function isStranger({ fromNetwork, input }: BoardDraft): boolean {
  return fromNetwork && input.hostKey === undefined;
}

/** Boards that do less than one would think. */
export function networkHostWarnings({ boot, boards, clusters, network }: Draft): Finding[] {
  if (boot === undefined) return [];
  const findings: Finding[] = [];
  if (network?.ntp.length === 0 && boards.some(({ fromNetwork }) => fromNetwork)) {
    const message = "boards have no clock that runs without power, and the site has no time server for them";
    const hint = "add ntp: [pool.ntp.org], or the address of one in your network; until then their reports say it";
    findings.push({ rule: "no-time", path: ["network"], at: "key", message, hint });
  }
  if (!boot.manage && boards.some(isStranger)) {
    const message =
      "with manage: false nobody answers to boards who they are: they keep no SSH host key, and run no VMs";
    const hint = "right if they only have to boot; else let Bramble run the boot server";
    findings.push({ rule: "no-identity", path: ["boot", "manage"], message, hint });
  }
  if (clusters.length === 0) return findings;
  const idle = boards.filter(
    ({ board, fromNetwork, lasting }) => fromNetwork && board.role === "hypervisor" && lasting === undefined,
  );
  for (const { path, board, input } of idle) {
    if (input.lost !== undefined || input.storage !== undefined) continue;
    const message = `${board.name} runs no VMs: what it keeps is gone at each reboot`;
    const hint = "give it storage: or drive:, or another role";
    findings.push({ rule: "no-place-for-disks", path, at: "key", message, hint });
  }
  return findings;
}
