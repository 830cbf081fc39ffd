import type { Variable } from "../steps/environment.ts";
import type { VmOnHost } from "../steps/vm-on-host.ts";

/** The VMs that a site has. */
export interface RosterInputs {
  readonly site: string;
  /** By name. */
  readonly machines: Readonly<Record<string, RosterMachine>>;
}

/** A VM, and how it leaves. */
export interface RosterMachine {
  /** `slurm` or `k3s`. */
  readonly type: string;
  readonly cluster: string;
  /** Those of a cluster with a lower number leave first; those with the same one leave together. */
  readonly turn: number;
  readonly vm: VmOnHost;
  /** What is done before it is shut down; missing where there is nothing to take it out of. */
  readonly leave?: LeavingStep;
}

/** A step of providers/steps/main.ts to undo, and what it is told. Nothing in it is secret. */
export interface LeavingStep {
  readonly step: string;
  readonly show: Readonly<Partial<Record<Variable, string>>>;
}

/** What the state holds of a roster: the VMs that there are, since those that left have gone. */
export interface RosterOutputs extends RosterInputs {
  readonly schemaVersion: 1;
}

export interface Departure extends RosterMachine {
  readonly name: string;
}

/**
 * The VMs that are in the first roster and not in the second, in the order in which they leave: one list after the
 * other, those of a list together. Clusters do not wait for each other.
 */
export function departures(before: RosterInputs, after: RosterInputs): Departure[][][] {
  const leaving = Object.entries(before.machines)
    .filter(([name]) => !(name in after.machines))
    .map(([name, machine]) => ({ name, ...machine }));
  return groups(leaving, ({ cluster }) => cluster).map((ofCluster) =>
    groups(ofCluster, ({ turn }) => turn).sort(([a], [b]) => (a?.turn ?? 0) - (b?.turn ?? 0)),
  );
}

/**
 * Why a roster can't follow another. A VM's UUID and disks go by its name, so the engine, which makes before it deletes,
 * would delete the new one with the old one.
 */
export function whyNotAfter(before: RosterInputs, after: RosterInputs): string | undefined {
  const changed = Object.entries(after.machines).filter(
    ([name, { type }]) => (before.machines[name]?.type ?? type) !== type,
  );
  if (changed.length === 0) return undefined;
  const clusters = [...new Set(changed.map(([, { cluster }]) => cluster))];
  const [[, example] = ["", undefined]] = changed;
  return (
    `cluster ${clusters.join(", ")} would be of type ${example?.type} and its VMs keep their names ` +
    `(${changed.map(([name]) => name).join(", ")}): give the new cluster another name, so that the old VMs have gone before ` +
    "the new ones start"
  );
}

function groups<T, K>(all: readonly T[], key: (one: T) => K): T[][] {
  return [...Map.groupBy(all, key).values()];
}
