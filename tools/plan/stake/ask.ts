import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SshTarget } from "../../../providers/transport/ssh.ts";
import { askMachine, budgets, type Patience, plain, type Reply } from "../../status/ask.ts";
import { isoTime } from "../../status/model.ts";
import { takeTurns } from "../../status/turns.ts";
import type { Found, Stake } from "./model.ts";
import type { AskedCluster } from "./nodes.ts";
import { readSaid, type Said } from "./said.ts";

export interface StakeOptions {
  /** The keys by which the clusters may let us in, the likeliest first. */
  readonly deployKeys: readonly string[];
  /** In seconds. */
  readonly budgets?: Patience;
  readonly signal?: AbortSignal | undefined;
  /** Told who is still asked, whenever that changes. */
  readonly onProgress?: (waiting: readonly string[], all: number) => void;
}

/**
 * Asks clusters what runs on those of their nodes that are to stop, all at the same time. One that does not answer costs
 * seconds, and what runs there is unknown then.
 */
export async function askStake(
  clusters: readonly AskedCluster[],
  { deployKeys, budgets: patience = budgets, signal, onProgress = () => undefined }: StakeOptions,
): Promise<Stake> {
  const turn = takeTurns(onProgress);
  // A line of somebody who names a job can't begin with it, and who runs jobs there does not see it.
  const mark = randomBytes(8).toString("hex");
  const script = `mark=${mark}\n${await scripts()}`;
  const ask = async (leader: SshTarget, { type, nodes }: AskedCluster) => {
    const by = (key: string) =>
      askMachine({ connect: "ssh", ...leader }, key, script, [type, ...nodes], patience, signal);
    const reply = await turn(leader.name, () => letIn(deployKeys, by));
    return saidBy(leader.name, reply, mark, type);
  };
  const asked = clusters.map(async (cluster) =>
    nodesOf(cluster, await Promise.all(cluster.leaders.map((leader) => ask(leader, cluster)))),
  );
  return { askedAt: isoTime(Date.now() / 1000), nodes: (await Promise.all(asked)).flat() };
}

/** While the key by which Bramble logs in is being changed, machines still have the one before. */
async function letIn([key = "", ...others]: readonly string[], ask: (key: string) => Promise<Reply>): Promise<Reply> {
  const reply = await ask(key);
  const isOther = reply.kind === "strange" && reply.refused === true && others.length > 0;
  return isOther ? await letIn(others, ask) : reply;
}

/** What one of those who lead a cluster said, or why it said nothing. */
function saidBy(name: string, reply: Reply, mark: string, type: AskedCluster["type"]): Said {
  if (reply.kind !== "said") return { nodes: new Map(), silent: reply.why.replace(/^it /, `${name} `) };
  try {
    const { nodes, silent } = readSaid(reply.text, mark, type);
    return { nodes, ...(silent !== undefined && { silent: `${name} says: ${silent}` }) };
  } catch (error) {
    return { nodes: new Map(), silent: `${name} says ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What is known by the one that said most, for they all say the same, and why no more is. */
function nodesOf({ name: cluster, nodes }: AskedCluster, all: readonly Said[]): Stake["nodes"] {
  const [best] = [...all].sort((a, b) => b.nodes.size - a.nodes.size);
  const why = all.flatMap(({ silent }) => silent ?? []).join("; ");
  const unknown: Found = { kind: "unknown", why: plain(why === "" ? "nothing was said of it" : why) };
  return nodes.map((name) => ({ name, cluster, found: best?.nodes.get(name) ?? unknown }));
}

async function scripts(): Promise<string> {
  const files = ["../../../providers/steps/guest/k3s-api.sh", "guest.sh"];
  return (await Promise.all(files.map((file) => readFile(new URL(file, import.meta.url), "utf8")))).join("\n");
}
