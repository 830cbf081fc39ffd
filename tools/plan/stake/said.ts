import * as z from "zod";
import { parseSlurmTime } from "../../../formats/slurm-time.ts";
import { plain } from "../../status/ask.ts";
import { type Budget, budgetsHolding } from "./budgets.ts";
import type { Found, Job, Pod } from "./model.ts";
import type { AskedCluster } from "./nodes.ts";

/** What guest.sh printed. */
export interface Said {
  /** What runs on the nodes that something could be said of. */
  readonly nodes: ReadonlyMap<string, Found>;
  /** Why nothing is said of the others. */
  readonly silent?: string;
}

/**
 * Reads what guest.sh printed. Others chose the names of jobs, so only lines that begin with the mark are ours, and all
 * of it is cut to plain text.
 * @throws Error where one of ours is not what it should be
 */
export function readSaid(text: string, mark: string, type: AskedCluster["type"]): Said {
  const lines = text.split("\n").flatMap((line): (readonly [word: string, rest: string])[] => {
    const [, word, rest = ""] = line.startsWith(`${mark} `) ? (/^\S+ ([a-z]+) ?(.*)$/.exec(line) ?? []) : [];
    return word === undefined ? [] : [[word, rest]];
  });
  const all = (wanted: string) => lines.flatMap(([word, rest]) => (word === wanted ? [rest] : []));
  const budgets = all("budget").map((line): Budget => budget.parse(JSON.parse(line)));
  const nodes = new Map<string, string[]>();
  let current: string[] = [];
  for (const [word, rest] of lines) {
    if (word === "node") {
      current = [];
      nodes.set(rest, current);
    } else if (word === "job" || word === "pod") current.push(rest);
  }
  const found = (of: readonly string[]): Found =>
    type === "slurm"
      ? { kind: "jobs", jobs: of.map(jobOf) }
      : { kind: "pods", pods: of.map((line) => podOf(line, budgets)) };
  const [silent] = all("silent");
  return {
    nodes: new Map([...nodes].map(([node, of]) => [node, found(of)])),
    ...(silent !== undefined && { silent }),
  };
}

function jobOf(line: string): Job {
  const [, id, user, state, left, name] = /^(\S+) (\S+) (\S+) (\S+) ?(.*)$/.exec(line) ?? [];
  if (id === undefined || user === undefined || state === undefined || left === undefined || name === undefined)
    throw new Error(`a job can't be read: ${plain(line)}`);
  const leftSeconds = parseSlurmTime(left) ?? null;
  return { id: plain(id), name: plain(name), user: plain(user), state: plain(state), leftSeconds };
}

function podOf(line: string, budgets: readonly Budget[]): Pod {
  const { labels, ...seen } = pod.parse(JSON.parse(line));
  const heldBy = budgetsHolding({ namespace: seen.namespace, labels }, budgets).map(plain);
  const { namespace, name, phase, bare } = seen;
  return { namespace: plain(namespace), name: plain(name), phase: plain(phase), bare, heldBy };
}

const labels = z.record(z.string(), z.string());
const pod = z.object({ namespace: z.string(), name: z.string(), phase: z.string(), bare: z.boolean(), labels });
const budget = z.object({
  namespace: z.string(),
  name: z.string(),
  allowed: z.number(),
  selector: z
    .object({
      matchLabels: labels.nullish(),
      matchExpressions: z
        .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
        .nullish(),
    })
    .nullable(),
});
