import type { NetworkBoard } from "../../site/model.ts";
import { boardsAreDegraded, boardsAreOff } from "../stack/boards.ts";
import type { Context } from "./context.ts";
import { drainNodes, freeNodes } from "./nodes.ts";
import type { Restart, RolloutPlan } from "./plan.ts";
import { awaitTarget, domainsOn, NotRestarted, putBack, restartBoard } from "./restart.ts";
import type { ServerLock } from "./server-lock.ts";
import { startVms, stopVms, vmsRun } from "./vms.ts";

/** The exit code of a rollout that stopped. */
const stopped = 1;

/**
 * Does what a plan says: first what an earlier rollout left undone, then batch by batch. It stops at the first board that
 * does not come up, or whose nodes can't be drained; others of its batch that have begun to restart are waited for.
 * @returns the exit code: 0, 1 when it stopped, 4 and 5 when boards were left alone that are off or degraded
 */
export async function runRollout(
  context: Context,
  plan: RolloutPlan,
  lock: ServerLock,
  signal: AbortSignal,
): Promise<number> {
  const { say } = context;
  const failures = await leftUndone(context, plan, signal);
  const restarts = plan.batches.flat().length;
  let done = 0;
  for (const [index, batch] of plan.batches.entries()) {
    if (failures.length > 0 || signal.aborted) break;
    if (!lock.isHeld()) {
      failures.push("The connection to the boot server was lost, and with it the lock on rollouts.");
      break;
    }
    say(`Batch ${index + 1} of ${plan.batches.length}: ${batch.map(({ board }) => board).join(", ")}`);
    const ended = await restartBatch(context, batch, signal);
    done += ended.done;
    failures.push(...ended.failures);
  }
  for (const failure of failures) say(failure);
  const words = `${done} of ${restarts} boards restarted and run what is published.`;
  if (failures.length > 0 || signal.aborted) {
    say(
      `${words} The rollout stopped${signal.aborted ? ", as somebody wished" : ""}; the same command goes on from here.`,
    );
    return stopped;
  }
  if (restarts > 0) say(words);
  const left = plan.left.map(({ kind }) => kind);
  return left.includes("degraded") ? boardsAreDegraded : left.includes("off") ? boardsAreOff : 0;
}

/** @returns what went wrong */
async function leftUndone(
  context: Context,
  { awaited, unfinished, drained }: RolloutPlan,
  signal: AbortSignal,
): Promise<string[]> {
  const work = [
    ...unfinished.map(({ board, hold }) => putBack(context, boardOf(context, board), hold, signal)),
    ...awaited.map(async ({ board, note }) => {
      context.say(`${board} was restarted by an earlier rollout, at ${note.since}`);
      await awaitTarget(context, boardOf(context, board), note, signal);
      context.say(`${board} runs ${note.target}, with its VMs and nodes`);
    }),
    ...drained.map(async (board) => {
      await vmsRun(domainsOn(context, boardOf(context, board)), context.patience.vms, signal);
      await freeNodes(context, vmsOf(context, board), context.patience.nodes, signal);
      context.say(`${board} has its nodes back, which an earlier rollout drained`);
    }),
  ];
  return failuresOf(await Promise.allSettled(work), signal);
}

async function restartBatch(
  context: Context,
  batch: readonly Restart[],
  signal: AbortSignal,
): Promise<{ readonly done: number; readonly failures: readonly string[] }> {
  const prepared = await Promise.allSettled(batch.map((restart) => prepare(context, restart, signal)));
  if (signal.aborted || prepared.some(({ status }) => status === "rejected")) {
    await Promise.all(batch.map(({ board }) => undo(context, board)));
    return { done: 0, failures: failuresOf(prepared, signal) };
  }
  const restarted = await Promise.allSettled(
    batch.map(async (restart) => {
      await restartBoard(context, boardOf(context, restart.board), restart, signal).catch(async (error) => {
        if (error instanceof NotRestarted) await undo(context, restart.board);
        throw error;
      });
      context.say(`${restart.board} runs ${restart.target}, with its VMs and nodes`);
    }),
  );
  return {
    done: restarted.filter(({ status }) => status === "fulfilled").length,
    failures: failuresOf(restarted, signal),
  };
}

/** Takes work and VMs off a board, in this order. */
async function prepare(context: Context, { board, vms }: Restart, signal: AbortSignal): Promise<void> {
  await drainNodes(context, vms, signal);
  if (vms.length > 0) context.say(`${board}: its nodes are drained, and its VMs are shut down`);
  await stopVms(domainsOn(context, boardOf(context, board)), context.patience.vms, signal);
}

/** Gives a board back what was taken off it. What is not there to be given back costs nothing. */
async function undo(context: Context, board: string): Promise<void> {
  try {
    const domains = domainsOn(context, boardOf(context, board));
    await startVms(domains);
    await vmsRun(domains, context.patience.vms);
    await freeNodes(context, vmsOf(context, board), context.patience.nodes);
    context.say(`${board} is as it was before`);
  } catch (error) {
    context.say(`${board} is not as it was before: ${wordsOf(error)}\nThe next rollout goes on from here.`);
  }
}

/** What went wrong, in words. An interruption is nobody's fault, and anything unforeseen is one of ours. */
function failuresOf(results: readonly PromiseSettledResult<unknown>[], signal: AbortSignal): string[] {
  const errors = results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : []));
  const isFault = (error: unknown) => !(signal.aborted && error instanceof Error && error.name === "AbortError");
  return errors.filter(isFault).map(wordsOf);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function boardOf({ site }: Context, name: string): NetworkBoard {
  const board = site.boot.boards.find((each) => each.name === name);
  if (board === undefined) throw new Error(`the site has no board ${name}`);
  return board;
}

function vmsOf({ site }: Context, board: string) {
  return site.vms.filter(({ host }) => host === board);
}
