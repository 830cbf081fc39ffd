import { type Change, counted, membersOf, type Objection } from "./objection.ts";

/** Without its controller nobody could say any more which jobs of a Slurm cluster run, or start those that wait. */
export function slurmRules(change: Change): Objection[] {
  return [...change.before.clusters].flatMap(([name, { type, disposable }]) =>
    // One that is disposable may go with all that it has.
    type === "slurm" && !disposable ? lastController(name, change) : [],
  );
}

function lastController(cluster: string, change: Change): Objection[] {
  const members = membersOf(cluster, change);
  const workers = members.filter(({ vm }) => vm.role === "worker").map(({ vm }) => vm.name);
  if (workers.length === 0) return [];
  return members
    .filter(({ vm, fate }) => vm.role === "controller" && fate === "goes")
    .map(({ vm }) => ({
      rule: "last-controller",
      message: `${vm.name} would go, the only controller of ${cluster}, which has ${counted(workers.length, "worker")}`,
      instead: `set count: 0 in the groups of ${cluster} first and run \`up\`, so that its jobs can end, and take it out after that`,
      about: [vm.name, ...workers],
    }));
}
