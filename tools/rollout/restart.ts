import { readFile } from "node:fs/promises";
import { type GaveUp, watchBoard } from "../../providers/readiness/wait.ts";
import { holdBack, note, release } from "../../providers/tftp-tree/hold.ts";
import type { Hold } from "../../providers/tftp-tree/rollout-note.ts";
import { NotThere } from "../../providers/tftp-tree/serve-again.ts";
import { askBoard } from "../../providers/transport/report.ts";
import { connect } from "../../providers/transport/ssh.ts";
import type { NetworkBoard } from "../../site/model.ts";
import { type Context, targetOf, treeOf } from "./context.ts";
import type { Step } from "./finding.ts";
import { freeNodes, NotBack } from "./nodes.ts";
import { type Domains, startVms, vmsRun } from "./vms.ts";

/** A board did not come up as it should; the message says what was done about it. */
export class NotUp extends Error {}

/** A board could not be told to restart: it goes on as it was. */
export class NotRestarted extends Error {}

/**
 * Restarts a board whose nodes are drained and whose VMs are off, and waits until it runs its target with all that belongs
 * to it. If it does not come up, what it ran before is served again and held. What is noted before it goes down lets
 * another rollout go on, wherever this one ends.
 * @throws NotRestarted, NotUp; AbortError when it is interrupted, and the board restarts then without anybody who waits for it
 */
export async function restartBoard(
  context: Context,
  board: NetworkBoard,
  { from, target, bootId }: Step,
  signal: AbortSignal,
): Promise<void> {
  const since = new Date().toISOString();
  const before = from ?? target;
  await note(treeOf(context, board.name), { format: 1, kind: "underway", from: before, target, since, bootId });
  await tellToRestart(context, board, bootId).catch(async (error) => {
    if (error instanceof NotRestarted) await note(treeOf(context, board.name), undefined);
    throw error;
  });
  context.say(`${board.name} restarts, from ${from ?? "something that was not booted from here"} to ${target}`);
  await awaitTarget(context, board, { from: before, target, bootId }, signal);
}

/** Waits for a board that was told to restart, and does the same with it as {@link restartBoard}. */
export async function awaitTarget(
  context: Context,
  board: NetworkBoard,
  { from, target, bootId }: { readonly from: string; readonly target: string; readonly bootId: string },
  signal: AbortSignal,
): Promise<void> {
  const why = await whyNotUp(context, board, { target, bootId, patience: context.patience.board }, signal);
  if (why === undefined) {
    await note(treeOf(context, board.name), undefined);
    return;
  }
  if (from === target) {
    await note(treeOf(context, board.name), undefined);
    throw new NotUp(`${board.name} ${why}\nIt ran the same version before, so there is none to go back to.`);
  }
  const hold: Hold = { format: 1, kind: "held", from, target, since: new Date().toISOString(), why };
  await putBack(context, board, hold, signal);
}

/**
 * Gives a board back what it ran before, and restarts it if it answers. @throws NotUp always, with what became of it
 */
export async function putBack(context: Context, board: NetworkBoard, hold: Hold, signal: AbortSignal): Promise<never> {
  const { name } = board;
  const { from, target, why } = hold;
  context.say(`${name} ${why} It is put back to ${from}`);
  await holdBack(treeOf(context, name), hold).catch(async (error) => {
    if (!(error instanceof NotThere)) throw error;
    await note(treeOf(context, name), undefined);
    throw new NotUp(`${name} did not come up with ${target}, and can't be put back: ${error.message}.`);
  });
  const head = `${name} did not come up with ${target}: the boot server serves it ${from} again, which it ran before`;
  const tail = `${target} is held back for this board until \`up\` has another one; \`rollout --release ${name}\` tries it again.`;
  const { bootId, patience } = await sendBack(context, board, from);
  const still = await whyNotUp(context, board, { target: from, bootId, patience }, signal);
  throw new NotUp(
    still === undefined
      ? `${head}; it runs that, with its VMs and nodes.\n${tail}`
      : `${head}. But it ${still}\nSwitch it off and on, and look at its console; \`rollout\` then lets its nodes take work again.\n${tail}`,
  );
}

/**
 * Restarts a board that is to run again what it ran before, if it answers and does not run that.
 * @returns the boot that it is to end, and how long it may take to run that
 */
async function sendBack(
  context: Context,
  board: NetworkBoard,
  from: string,
): Promise<{ readonly bootId: string; readonly patience: number }> {
  const { say, patience, deployKey } = context;
  const answer = await askBoard(targetOf(context, board), deployKey);
  const report = answer.kind === "report" ? answer.report : undefined;
  if (report?.generation === from) {
    await startVms(domainsOn(context, board)); // it did not go down
    return { bootId: "", patience: patience.board };
  }
  try {
    if (report === undefined) throw new NotRestarted(`${board.name} does not answer`);
    await tellToRestart(context, board, report.bootId);
    say(`${board.name} restarts, back to ${from}`);
    return { bootId: report.bootId, patience: patience.board };
  } catch (error) {
    if (!(error instanceof NotRestarted)) throw error;
    say(`${error.message}: if it does not restart by itself, switch it off and on`);
    return { bootId: report?.bootId ?? "", patience: patience.byItself };
  }
}

/** Takes a hold away. @returns what is said of it */
export async function releaseBoard(context: Context, name: string): Promise<string> {
  const released = await release(treeOf(context, name));
  if (released === undefined) return `${name} is not held.`;
  const { target } = released.hold;
  return released.served
    ? `${name} is not held any more: ${target} is served again, and \`rollout\` restarts it.`
    : `${name} is not held any more. The boot server does not have ${target} any more: \`up --refresh\` publishes it.`;
}

/**
 * Waits until a board is up with a version, its VMs run, and its nodes take work again. @returns undefined then, else why
 * it is not, in words that follow its name
 */
async function whyNotUp(
  context: Context,
  board: NetworkBoard,
  { target, bootId, patience }: { readonly target: string; readonly bootId: string; readonly patience: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { say, source, deployKey, site, graces } = context;
  const awaited = { board: targetOf(context, board), source, deployKey, patience, say, signal, bootBefore: bootId };
  const watched = await watchBoard({ ...awaited, ...(graces && { graces }) }, (judgement, answer) => {
    if (answer.kind !== "report" || answer.report.bootId === bootId) return undefined;
    const { generation } = answer.report;
    // `up` may have published another one meanwhile.
    if (judgement.kind === "current") return target;
    return judgement.kind === "behind" ? (generation ?? "") : undefined;
  });
  if (watched.kind === "gave-up") return notReady(watched);
  if (watched.found !== target) return `came up with ${watched.found} in place of ${target}.`;
  const vms = site.vms.filter(({ host }) => host === board.name);
  if (vms.length > 0) say(`${board.name} is up; its VMs and nodes are waited for`);
  try {
    await vmsRun(domainsOn(context, board), context.patience.vms, signal);
    await freeNodes(context, vms, context.patience.nodes, signal);
    return undefined;
  } catch (error) {
    if (error instanceof NotBack) return `is up with ${target}, and not all of it: ${error.message}.`;
    throw error;
  }
}

function notReady({ words, vain, at }: GaveUp): string {
  return `is not as it should be after ${Math.round(at)} s: ${words}${vain === undefined ? "" : `; ${vain}`}.`;
}

/** The site's VMs on a board, for libvirt there. */
export function domainsOn(context: Context, board: NetworkBoard): Domains {
  const { site, deployKey } = context;
  const names = site.vms.filter(({ host }) => host === board.name).map(({ name }) => `${site.name}-${name}`);
  return { host: targetOf(context, board), names, deployKey };
}

/** Restarts it in a second, if it is still in that boot. @throws NotRestarted */
async function tellToRestart(context: Context, board: NetworkBoard, bootId: string): Promise<void> {
  const script = await readFile(new URL("reboot.sh", import.meta.url), "utf8");
  const notRestarted = (why: string) => new NotRestarted(`${board.name} was not restarted: ${why}`);
  const connection = await connect(targetOf(context, board), context.deployKey, { patience: reachPatience }).catch(
    (error: Error) => Promise.reject(notRestarted(error.message)),
  );
  try {
    // A connection that is lost here was most likely lost to the restart; the wait for it tells.
    const said = await connection.run(script, [bootId]).catch((error: Error) => context.say(error.message));
    if (said !== undefined && said.code !== 0) throw notRestarted(said.stderr.trim());
  } finally {
    connection.close();
  }
}

/** How long a board may take to let us in that answered a moment ago, in seconds. */
const reachPatience = 30;
