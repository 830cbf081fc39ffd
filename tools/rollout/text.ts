import type { Cluster, Site } from "../../site/model.ts";
import type { Stakes } from "./batches.ts";
import type { Restart, RolloutPlan } from "./plan.ts";

/** What a rollout is to do, in lines for a person who decides about it. */
export function planText(site: Site, plan: RolloutPlan): string {
  const { awaited, unfinished, drained, batches, held, left, current } = plan;
  const restarts = batches.flat();
  const lines = [`${site.name}: ${summary(restarts.length, batches.length)}`];
  const list = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push("", title, ...items.map((item) => `  ${item.replaceAll("\n", "\n    ")}`));
  };
  list("An earlier rollout began with these, and they come first:", [
    ...awaited.map(({ board, note }) => `${board}  was restarted at ${note.since}, to ${note.target}: waited for`),
    ...unfinished.map(({ board, hold }) => `${board}  ${hold.why}\nis put back to ${hold.from}`),
    ...drained.map((board) => `${board}  its nodes take work again`),
  ]);
  for (const [index, batch] of batches.entries()) {
    lines.push("", `Batch ${index + 1} of ${batches.length}`);
    for (const restart of batch) lines.push(...restartLines(site, restart));
  }
  list(
    "Held back, since they did not come up with what the site file makes:",
    held.map(
      ({ board, hold }) => `${board}  runs ${hold.from} and not ${hold.target}, since ${hold.since}: ${hold.why}`,
    ),
  );
  list(
    "Left alone:",
    left.map(({ board, kind, words }) => `${board}  ${kind}: ${words}`),
  );
  if (current.length > 0) lines.push("", `Current: ${current.join(", ")}`);
  return `${lines.join("\n")}\n`;
}

/** What people lose for a while who use what is on a board; one line each. */
export function stakesText(site: Site, { vms, quorums, leaderless, stalled }: Stakes): string[] {
  const nameOf = (name: string) => site.clusters.find((cluster) => cluster.name === name);
  const leaders = (name: string) =>
    vms.filter(({ cluster, role }) => cluster === name && (role === "controller" || role === "server"));
  return [
    ...leaderless.map((name) =>
      withoutLeader(
        nameOf(name),
        leaders(name)
          .map((vm) => vm.name)
          .join(" and "),
      ),
    ),
    ...quorums.map((name) => `${name} has one server less, and most of the others have to be up`),
    ...(stalled.length === 0 ? [] : [`VMs on ${stalled.join(", ")} stall until it is back: their disks are on it`]),
  ];
}

function withoutLeader(cluster: Cluster | undefined, leader: string): string {
  return cluster?.type === "slurm"
    ? `until ${leader} is back, nobody logs in to ${cluster.name} and no job starts; those that run go on, and stall when they touch /home`
    : `until ${leader} is back, nothing of ${cluster?.name ?? "its cluster"} can be changed; pods on other nodes go on`;
}

function summary(boards: number, batches: number): string {
  if (boards === 0) return "no board is to restart";
  return `${boards} ${boards === 1 ? "board is" : "boards are"} to restart, in ${batches} ${batches === 1 ? "batch" : "batches"}`;
}

function restartLines(site: Site, restart: Restart): string[] {
  const { board, from, target, vms } = restart;
  const drained = vms
    .filter(({ role }) => role !== "controller")
    .map((vm) => `${vm.name} (${patienceOf(site, vm.cluster)})`);
  return [
    `  ${board}  ${from ?? "not booted from here"} → ${target}`,
    ...(drained.length === 0 ? [] : [`    drained first: ${drained.join(", ")}`]),
    ...(vms.length === 0 ? [] : [`    shut down: ${vms.map(({ name }) => name).join(", ")}`]),
    ...stakesText(site, restart).map((line) => `    at stake: ${line}`),
  ];
}

/** How long its work may take to end. */
function patienceOf(site: Site, cluster: string): string {
  const seconds = site.clusters.find(({ name }) => name === cluster)?.drainTimeoutSeconds ?? 0;
  return seconds % 60 === 0 ? `${seconds / 60} min at most` : `${seconds} s at most`;
}
