import { join } from "node:path";
import { age, lockHolder } from "../lib/lock.ts";
import { workFolder } from "../lib/paths.ts";

/** The lock that a rollout of a stack holds on this machine. */
export function rolloutLock(stack: string): string {
  return join(workFolder, stack, "rollout.lock");
}

/** @throws Error that names it when a rollout of the stack is under way here: hosts are away while their boards restart */
export async function refuseDuringRollout(stack: string): Promise<void> {
  const holder = await lockHolder(rolloutLock(stack));
  if (holder === undefined) return;
  throw new Error(
    `A rollout of ${stack} is under way: process ${holder.pid} on ${holder.host}, for ${age(holder.since)} now. Wait until it ` +
      `has ended, or end it with \`kill ${holder.pid}\`; then try again. Nothing was changed.`,
  );
}
