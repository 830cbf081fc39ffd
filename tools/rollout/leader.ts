import { guestTarget } from "../../components/reached.ts";
import { onGuest } from "../../providers/steps/guest-script.ts";
import { findServer, lookAt, whySilent } from "../../providers/steps/k3s-look.ts";
import { quorumObjection } from "../../providers/steps/k3s-quorum.ts";
import type { Connection } from "../../providers/transport/connection.ts";
import { connect } from "../../providers/transport/ssh.ts";
import type { Cluster, K3sCluster, SlurmCluster } from "../../site/model.ts";
import type { Context } from "./context.ts";

/** A node as its cluster sees it. */
export interface NodeState {
  readonly responds: boolean;
  /** Who keeps it from taking work, if somebody does. */
  readonly heldBy: "nobody" | "us" | "others";
}

/** What can be done with the nodes of a cluster, by whoever leads it. */
export interface Leader {
  look(): Promise<ReadonlyMap<string, NodeState>>;
  /** Lets a node take no more work. */
  hold(node: string): Promise<void>;
  /** What still runs on a node, a line each; empty when it is drained. Pods are asked to leave, jobs are not. */
  left(node: string, seconds: number): Promise<string>;
  /** Lets a node take work again. */
  free(node: string): Promise<void>;
  /** Why the cluster would not survive that this server of it is away for a while. */
  objection(node: string): Promise<string | undefined>;
}

/**
 * Does something with whoever leads a cluster.
 * @param patience how long they may take to answer, in seconds
 * @param away VMs that are asked only where there is nobody else, since they are about to go
 */
export async function withLeader<T>(
  context: Context,
  cluster: Cluster,
  { patience, away = [], signal }: { patience: number; away?: readonly string[]; signal?: AbortSignal | undefined },
  work: (leader: Leader) => Promise<T>,
): Promise<T> {
  const { connection, leader } =
    cluster.type === "slurm"
      ? await slurmLeader(context, cluster, patience, signal)
      : await k3sLeader(context, cluster, patience, away, signal);
  try {
    return await work(leader);
  } finally {
    connection.close();
  }
}

async function slurmLeader(
  context: Context,
  { name, controller }: SlurmCluster,
  patience: number,
  signal: AbortSignal | undefined,
): Promise<{ connection: Connection; leader: Leader }> {
  const options = { patience, ...(signal && { signal }) };
  const connection = await connect(guestOf(context, controller), context.deployKey, options);
  const step = (step: string, node = "") =>
    onGuest(connection, {
      what: `asking ${name}'s controller (${step} ${node})`,
      scripts: ["slurm-pause"],
      args: [step, node],
    });
  const leader: Leader = {
    look: async () => nodeStates(await step("look")),
    hold: async (node) => void (await step("hold", node)),
    left: (node) => step("left", node),
    free: async (node) => void (await step("free", node)),
    objection: async () => undefined,
  };
  return { connection, leader };
}

async function k3sLeader(
  context: Context,
  cluster: K3sCluster,
  patience: number,
  away: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ connection: Connection; leader: Leader }> {
  const servers = cluster.servers.toSorted((a, b) => Number(away.includes(a)) - Number(away.includes(b)));
  const targets = servers.map((server) => guestOf(context, server));
  const found = await findServer(targets, context.deployKey, patience, signal);
  if (!("nodes" in found)) throw new Error(`no server of ${cluster.name} answers:\n${whySilent(found)}`);
  const { connection } = found;
  const step = (script: string, step: string, ...args: readonly string[]) =>
    onGuest(connection, {
      what: `asking ${cluster.name}'s API (${[step, ...args].join(" ").trim()})`,
      scripts: ["k3s-api", script],
      args: script === "k3s-drain" ? [args[0] ?? "", step, ...args.slice(1)] : [step, ...args],
    });
  const leader: Leader = {
    look: async () => nodeStates(await step("k3s-pause", "look")),
    hold: async (node) => void (await step("k3s-pause", "hold", node)),
    left: async (node, seconds) => {
      const left = await step("k3s-drain", "drain", node, String(seconds), "");
      return left === "drained" ? "" : left;
    },
    free: async (node) => void (await step("k3s-pause", "free", node)),
    objection: async (node) => {
      const look = await lookAt(connection);
      return "nodes" in look
        ? quorumObjection(look.nodes, node, cluster.name)
        : `${cluster.name}'s API is down: ${look.down}`;
    },
  };
  return { connection, leader };
}

/** Lines of `NODE yes|no nobody|us|others`. */
function nodeStates(text: string): ReadonlyMap<string, NodeState> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [name = "", responds, heldBy] = line.split(" ");
      return [
        name,
        { responds: responds === "yes", heldBy: heldBy === "us" || heldBy === "others" ? heldBy : "nobody" },
      ];
    }),
  );
}

function guestOf({ site, keys }: Context, name: string) {
  const vm = site.vms.find((each) => each.name === name);
  if (vm === undefined) throw new Error(`the site has no VM ${name}`);
  return guestTarget(vm, keys);
}
