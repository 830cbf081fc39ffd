import { shortDigest } from "../digest.ts";
import { hasUnknown } from "../tftp-tree/digest.ts";
import type { CheckFailure } from "../tftp-tree/inputs.ts";
import { siteDeployKey } from "../transport/key-files.ts";
import { depart } from "./depart.ts";
import { departures, type RosterInputs, type RosterOutputs, whyNotAfter } from "./inputs.ts";

/** The engine's view of a Roster. check and diff are pure: previews ask nobody. */

export function check(
  olds: Partial<RosterInputs>,
  news: RosterInputs,
): { inputs: RosterInputs; failures: CheckFailure[] } {
  const before = olds.machines === undefined ? undefined : { site: news.site, machines: olds.machines };
  const reason = before && whyNotAfter(before, news);
  return { inputs: news, failures: reason === undefined ? [] : [{ property: "", reason }] };
}

export function diff(
  _id: string,
  olds: RosterOutputs,
  news: RosterInputs,
): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean } {
  const changes = hasUnknown(news) || shortDigest(olds.machines) !== shortDigest(news.machines);
  return { changes, replaces: [], deleteBeforeReplace: false };
}

export async function create(news: RosterInputs): Promise<{ id: string; outs: RosterOutputs }> {
  return { id: news.site, outs: { schemaVersion: 1, ...news } };
}

/** Returns when all that are to leave have left and are gone from their hosts. */
export async function update(_id: string, olds: RosterOutputs, news: RosterInputs): Promise<{ outs: RosterOutputs }> {
  const leaving = departures(olds, news);
  if (leaving.length > 0) {
    const key = await siteDeployKey(news.site);
    await together(
      leaving.map(async (turns) => {
        for (const turn of turns) await together(turn.map((machine) => depart(machine, key)));
      }),
    );
  }
  return { outs: { schemaVersion: 1, ...news } };
}

/** Waits for all of them, also where one fails: what has begun is not left alone. @throws Error with all reasons. */
async function together(works: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(works);
  const faults = ended.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  if (faults.length > 0)
    throw new Error(faults.map((fault) => (fault instanceof Error ? fault.message : String(fault))).join("\n\n"));
}

async function delete_(): Promise<void> {
  // The VMs are resources of their own, and are deleted before this: it is what they all wait for.
}

export { delete_ as delete };
