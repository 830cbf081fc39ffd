import type { Draft } from "../draft.ts";
import { vmMac } from "../identity.ts";
import { type Finding, type Path, showPath } from "../problem.ts";

/** Names, MAC addresses, serials and uids that two would share. (Two equal keys are found when the YAML is read.) */
export function duplicateRules(draft: Draft): Finding[] {
  return [...macs(draft), ...serials(draft), ...machineNames(draft), ...uids(draft)];
}

interface Use {
  readonly value: string;
  readonly path: Path;
}

function macs({ name, boards, vms }: Draft): Finding[] {
  const ofBoards = boards.flatMap(({ path, input }) =>
    input.mac === undefined ? [] : { value: input.mac, path: [...path, "mac"] },
  );
  const ofVms = vms.map((vm) => ({ value: vmMac(name, vm.name), path: vm.path }));
  return repeated([...ofVms, ...ofBoards]).map(([use, first]) => ({
    rule: "duplicate-mac",
    path: use.path,
    other: first.path,
    message: `${showPath(use.path)}: ${use.value} is also the MAC address of ${owner(first.path)}`,
    hint: ofVms.includes(use)
      ? "both are derived from names, and meet by chance: rename a cluster or worker group"
      : "look at the label of each board; every one has its own",
  }));
}

/** Boards ask for their files by the last eight digits of the serial, so these must differ. */
function serials({ boards }: Draft): Finding[] {
  const uses = boards.flatMap(({ path, input }) =>
    input.serial === undefined ? [] : { value: input.serial.slice(-8), whole: input.serial, path: [...path, "serial"] },
  );
  return repeated(uses).map(([use, first]) => ({
    rule: "duplicate-serial",
    path: use.path,
    other: first.path,
    message:
      use.whole === first.whole
        ? `${showPath(use.path)}: "${use.whole}" is also the serial of ${owner(first.path)}`
        : `${showPath(use.path)}: "${use.whole}" ends in the same eight digits as the serial of ${owner(first.path)}, and boards ask for their boot files by these`,
    hint: "compare with the line Serial in /proc/cpuinfo on each board",
  }));
}

/** Boards and VMs share one name space, that of host names. */
function machineNames({ boards, vms }: Draft): Finding[] {
  const ofVms = vms.map((vm) => ({ value: vm.name, path: vm.path }));
  const ofBoards = boards.map(({ board, path }) => ({ value: board.name, path }));
  const taken = repeated([...ofVms, ...ofBoards]).map(
    ([use, first]): Finding => ({
      rule: "duplicate-name",
      path: use.path,
      at: "key",
      other: first.path,
      message: `${use.value} is also the name of a VM of ${showPath(first.path)}`,
      hint: "rename the board",
    }),
  );
  const reserved = ofBoards
    .filter(({ value }) => value === "localhost")
    .map(
      ({ path }): Finding => ({
        rule: "reserved-name",
        path,
        at: "key",
        message: "every machine calls itself localhost",
        hint: "rename the board",
      }),
    );
  return [...taken, ...reserved];
}

function uids({ users }: Draft): Finding[] {
  const uses = users.map(({ path, input }) => ({ value: String(input.uid), path: [...path, "uid"] }));
  return repeated(uses).map(([use, first]) => ({
    rule: "duplicate-uid",
    path: use.path,
    other: first.path,
    message: `${showPath(use.path)}: ${use.value} is also the uid of ${owner(first.path)}; they would own each other's files`,
    hint: "give each user an own uid",
  }));
}

/** Each use of a value that was used before, with the first use. */
function repeated<T extends Use>(uses: readonly T[]): [T, T][] {
  const firstUses = new Map<string, T>();
  const pairs: [T, T][] = [];
  for (const use of uses) {
    const first = firstUses.get(use.value);
    if (first === undefined) firstUses.set(use.value, use);
    else pairs.push([use, first]);
  }
  return pairs;
}

function owner(path: Path): string {
  return showPath(path[0] === "clusters" ? path : path.slice(0, 2));
}
