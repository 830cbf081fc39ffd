import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, Vm } from "../../site/model.ts";
import type { Context } from "./context.ts";
import { type Leader, withLeader } from "./leader.ts";

/** How long one turn of `kubectl drain` tries, in seconds, before it is looked whether somebody has interrupted. */
const drainTurn = 15;
/** The pause between two looks at what is waited for, in milliseconds. */
export const lookAgain = 2000;

/** Nodes that are drained did not get empty in time, or somebody did not want to wait. */
export class NotDrained extends Error {}

/**
 * Lets the nodes of a board take no more work, and waits for what runs on them. One that somebody else holds back stays
 * theirs. @throws NotDrained when the time is up, or it is interrupted: then all of ours take work again
 */
export async function drainNodes(context: Context, vms: readonly Vm[], signal: AbortSignal): Promise<void> {
  const clusters = clustersOf(context, vms).filter(([, nodes]) => nodes.length > 0);
  try {
    await allOf(clusters.map(([cluster, nodes]) => drainIn(context, cluster, nodes, signal)));
  } catch (error) {
    await freeNodes(context, vms, 0).catch((worse) => {
      context.say(`Nodes are still drained, until the next rollout: ${firstLine(worse)}`);
    });
    throw error;
  }
}

/** Waits for all, also when one of them fails: none may go on when what it did is undone. */
async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function drainIn(
  context: Context,
  cluster: Cluster,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await withLeader(context, cluster, { patience: reachPatience, away: nodes, signal }, async (leader) => {
    await Promise.all(nodes.map((node) => maybeAway(leader, node, signal)));
    const states = await leader.look();
    const working = nodes.filter((node) => states.get(node)?.responds);
    await allOf(
      working.map(async (node) => {
        if (states.get(node)?.heldBy === "nobody") await leader.hold(node);
        await emptied(context, cluster, leader, node, signal);
      }),
    );
  });
}

/** Waits until a cluster survives that a node is away: a server that was away before may need a while to be one again. */
async function maybeAway(leader: Leader, node: string, signal: AbortSignal): Promise<void> {
  const end = performance.now() + quorumPatience * 1000;
  for (;;) {
    const objection = await leader.objection(node);
    if (objection === undefined) return;
    if (signal.aborted || performance.now() > end) throw new NotDrained(objection);
    await pauseUnlessAborted(signal);
  }
}

async function emptied(
  { say }: Context,
  { drainTimeoutSeconds: patience }: Cluster,
  leader: Leader,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + patience * 1000;
  for (let said = ""; ; ) {
    const seconds = Math.max(1, Math.min(drainTurn, Math.ceil((end - performance.now()) / 1000)));
    const left = await leader.left(node, seconds);
    if (left === "") return;
    if (signal.aborted) throw new NotDrained(`${node} was not drained: it was interrupted`);
    if (performance.now() > end)
      throw new NotDrained(
        `${node} is not empty after ${patience} s (drain.timeout), and takes work again. It still has\n${left}\n` +
          "Wait for that, or end it, and run `rollout` again. For a longer wait, raise drain.timeout of its cluster.",
      );
    if (left !== said) say(`${node} takes no more work; it still has\n${left}`);
    said = left;
    await pauseUnlessAborted(signal);
  }
}

/**
 * Lets nodes take work again that a rollout holds back, as soon as they respond. What others hold back stays so.
 * @param patience how long their cluster and they may take, in seconds; 0: without waiting for them
 * @throws NotBack where something of these VMs does not come, and Error where nobody can say so
 */
export async function freeNodes(
  context: Context,
  vms: readonly Vm[],
  patience: number,
  signal?: AbortSignal,
): Promise<void> {
  await Promise.all(
    clustersOf(context, vms).map(async ([cluster, nodes]) => {
      const end = performance.now() + patience * 1000;
      const isLedFromHere = vms.some((vm) => vm.cluster === cluster.name && ["controller", "server"].includes(vm.role));
      for (;;) {
        const trouble = await freeIn(context, cluster, nodes, patience > 0, signal).catch((error) => {
          if (!(error instanceof Error) || error.name === "AbortError") throw error;
          return isLedFromHere ? new NotBack(error.message) : error;
        });
        if (trouble === undefined) return;
        if (performance.now() > end) throw trouble;
        await delay(lookAgain, undefined, { signal });
      }
    }),
  );
}

/** One try. @returns which nodes can't be freed yet */
async function freeIn(
  context: Context,
  cluster: Cluster,
  nodes: readonly string[],
  mustRespond: boolean,
  signal: AbortSignal | undefined,
): Promise<NotBack | undefined> {
  return await withLeader(context, cluster, { patience: freePatience, signal }, async (leader) => {
    const states = await leader.look();
    const ours = nodes.filter((node) => states.get(node)?.heldBy === "us");
    const back = ours.filter((node) => !mustRespond || states.get(node)?.responds);
    await Promise.all(back.map((node) => leader.free(node)));
    const missed = ours.filter((node) => !back.includes(node));
    return missed.length === 0 ? undefined : new NotBack(`${cluster.name} hears nothing of ${missed.join(" and ")}`);
  });
}

/** What was to come up again with a board did not. */
export class NotBack extends Error {}

/** Nodes of a site that a rollout holds back, by name. A cluster that does not answer has none that anybody knows of. */
export async function heldNodes(context: Context): Promise<ReadonlySet<string>> {
  const asked = context.site.clusters.map((cluster) =>
    withLeader(context, cluster, { patience: lookPatience }, async (leader) => {
      const states = [...(await leader.look())];
      return states.flatMap(([node, { heldBy }]) => (heldBy === "us" ? [node] : []));
    }).catch((error) => {
      context.say(`Which nodes of ${cluster.name} are drained can't be asked: ${firstLine(error)}`);
      return [];
    }),
  );
  return new Set((await Promise.all(asked)).flat());
}

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;
/** How long whoever leads a cluster may take in one of many tries, in seconds. */
const freePatience = 10;
/** How long a cluster may need to have all of its servers again, in seconds. */
const quorumPatience = 120;
/** And for one that is only to be looked at. */
const lookPatience = 4;

/** The clusters that VMs belong to, with those of them that are nodes. A controller of Slurm is none. */
function clustersOf({ site }: Context, vms: readonly Vm[]): readonly (readonly [Cluster, readonly string[]])[] {
  return site.clusters.flatMap((cluster) => {
    const own = vms.filter((vm) => vm.cluster === cluster.name);
    const nodes = own.filter(({ role }) => role !== "controller").map(({ name }) => name);
    return own.length === 0 ? [] : [[cluster, nodes] as const];
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}

/** The pause between two looks. An interruption ends it, and whoever looks next sees that. */
export async function pauseUnlessAborted(signal: AbortSignal): Promise<void> {
  await delay(lookAgain, undefined, { signal }).catch((error: Error) => {
    if (error.name !== "AbortError") throw error;
  });
}
