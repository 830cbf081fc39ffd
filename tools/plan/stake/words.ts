import { duration } from "../../status/text.ts";
import { namesOf } from "../words.ts";
import type { Found, Job, Pod, Stake } from "./model.ts";

/** Nodes of which the same is to be said, and what that is. */
export interface StakeRow {
  readonly names: string;
  /** `2 jobs`. */
  readonly what: string;
  /** One for each job or pod. */
  readonly lines: readonly string[];
}

/** What runs on the nodes that stop, in words; what is true of many is said once, and long lists are cut. */
export function stakeRows({ nodes }: Stake): StakeRow[] {
  const alike = Map.groupBy(nodes, ({ found }) => JSON.stringify(found));
  return [...alike.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    return [
      { names: namesOf(all.map(({ name }) => name)), what: summary(first.found), lines: cut(linesOf(first.found)) },
    ];
  });
}

/** Jobs or pods of one node that are shown. */
const mostLines = 20;

function cut(lines: readonly string[]): string[] {
  const more = lines.length - mostLines;
  return more > 0 ? [...lines.slice(0, mostLines), `and ${more} more`] : [...lines];
}

function summary(found: Found): string {
  switch (found.kind) {
    case "jobs":
      return counted(found.jobs.length, "job");
    case "pods":
      return counted(found.pods.length, "pod");
    case "unknown":
      return `unknown: ${found.why}`;
  }
}

function counted(count: number, what: string): string {
  return count === 0 ? `no ${what}s` : count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function linesOf(found: Found): string[] {
  switch (found.kind) {
    case "jobs":
      return found.jobs.map(jobLine);
    case "pods":
      return found.pods.map(podLine);
    case "unknown":
      return [];
  }
}

/** `12 of alice: train.sh, 3 h 20 min left`. */
function jobLine({ id, name, user, state, leftSeconds }: Job): string {
  const doing = state === "RUNNING" ? "" : `, ${state.toLowerCase()}`;
  const left = leftSeconds === null ? "no time limit" : `${duration(leftSeconds)} left`;
  return `${id} of ${user}: ${name}${doing}, ${left}`;
}

/** `shop/web-0: the drain waits for its disruption budget web`. */
function podLine({ namespace, name, phase, bare, heldBy }: Pod): string {
  const notes = [
    ...(phase === "Running" ? [] : [phase.toLowerCase()]),
    ...(heldBy.length === 0 ? [] : [`the drain waits for its disruption budget ${namesOf(heldBy)}`]),
    ...(bare ? ["the drain waits for its end, since nothing starts it again elsewhere"] : []),
  ];
  return `${namespace}/${name}${notes.length === 0 ? "" : `: ${notes.join("; ")}`}`;
}
