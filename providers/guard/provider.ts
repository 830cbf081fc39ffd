import { judgeChange } from "../../site/changes/judge.ts";
import type { SiteSummary } from "../../site/changes/summary.ts";
import { list, printProblems } from "../../site/problem.ts";
import { shortDigest } from "../digest.ts";
import type { CheckFailure } from "../tftp-tree/inputs.ts";
import type { GuardInputs, GuardOutputs, GuardRequest } from "./inputs.ts";

/**
 * The engine's view of a PlanGuard, which is nothing but a look at the site's change: `check` gets what the state has of
 * the site and what it is to be, in previews and in `up` alike, before anything else of the site is registered.
 */
export function check(
  olds: Partial<GuardInputs>,
  { limits, allow, ...after }: GuardRequest,
): { inputs: GuardInputs; failures: CheckFailure[] } {
  // The first `up`, or the first after a lost state: there is nothing to hold it against.
  if (!isKept(olds)) return { inputs: { ...after, changes: 0, allowed: {} }, failures: [] };
  const { changes, allowed, ...before } = olds;
  const judgement = judgeChange({ before, after, limits, allow, number: changes });
  if (judgement.stale.length > 0) {
    const rules = judgement.stale.map((rule) => `allow.${rule}`);
    console.error(`${list(rules)} in the site file not of this change: take out what is done`);
  }
  const failures = judgement.refusals.map(({ rule, message, hint }): CheckFailure => {
    // Of no property: the engine would print its value before the reason.
    const reason = printProblems([{ file: after.site, line: 0, column: 0, rule, message, hint }]).trimEnd();
    return { property: "", reason };
  });
  // An allowance that has done its work may be taken out of the site file without a change here.
  if (siteDigest(before) === siteDigest(after)) return { inputs: { ...after, changes, allowed }, failures };
  return { inputs: { ...after, changes: changes + 1, allowed: judgement.allowed }, failures };
}

export function diff(_id: string, olds: GuardOutputs, news: GuardInputs): { changes: boolean; replaces: string[] } {
  return { changes: olds.digest !== digestOf(news), replaces: [] };
}

export async function create(news: GuardInputs): Promise<{ id: string; outs: GuardOutputs }> {
  return { id: news.site, outs: kept(news) };
}

export async function update(_id: string, _olds: GuardOutputs, news: GuardInputs): Promise<{ outs: GuardOutputs }> {
  return { outs: kept(news) };
}

/** There is nothing but the entry in the state. */
export async function delete_(): Promise<void> {}
export { delete_ as delete };

function isKept(olds: Partial<GuardInputs>): olds is GuardInputs {
  return olds.schemaVersion === 1 && olds.changes !== undefined;
}

function kept(news: GuardInputs): GuardOutputs {
  return { schemaVersion: 1, digest: digestOf(news) };
}

/** Over the site and how many changes it has had: an allowance is for one of them. */
export function digestOf(inputs: GuardInputs): string {
  return `${siteDigest(inputs)}-${inputs.changes}`;
}

/** Over the site alone. */
function siteDigest({ site, boards, storages, clusters, vms }: SiteSummary): string {
  return shortDigest({ site, boards, storages, clusters, vms });
}
