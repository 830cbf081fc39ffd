import { setTimeout as delay } from "node:timers/promises";
import { onGuest } from "./guest-script.ts";
import { type Answering, lookAgain, lookAt } from "./k3s-look.ts";
import { isMember, quorumProblem } from "./k3s-quorum.ts";

/** How long etcd may take to let a member go, in seconds; it elects a leader in between if that was the one. */
const memberPatience = 180;

/** One step of a node's leaving, as another server takes it. */
export function leave(
  server: Answering,
  node: string,
  step: "cordon" | "uncordon" | "drain" | "unmember" | "delete",
  ...rest: readonly string[]
): Promise<string> {
  return onGuest(server.connection, {
    what: `taking ${node} out of k3s (${step})`,
    scripts: ["k3s-api", "k3s-drain"],
    args: [node, step, ...rest],
  });
}

/** Has etcd let a member go, and waits for that. */
export async function endMembership(server: Answering, name: string): Promise<void> {
  await leave(server, name, "unmember");
  const end = Date.now() + memberPatience * 1000;
  for (;;) {
    const look = await lookAt(server.connection);
    const self = "nodes" in look ? look.nodes.find((node) => node.name === name) : undefined;
    if ("nodes" in look && (self === undefined || self.left)) return;
    if (Date.now() > end)
      throw new Error(
        `etcd has not let ${name} go within ${memberPatience} s: ` +
          `${"down" in look ? look.down : `look at k3s's log on ${server.target.name}`}. Run \`up\` again.`,
      );
    await delay(lookAgain);
  }
}

/**
 * Has the cluster forget the node whose name a machine takes that was never a node: one that lost its disks. Its password
 * and its etcd member went with them, and k3s turns away whoever comes under that name with others.
 * @throws Error when the cluster would lose its quorum by that.
 */
export async function forgetPredecessor(server: Answering, name: string, cluster: string): Promise<void> {
  const old = server.nodes.find((node) => node.name === name);
  if (old === undefined) return;
  console.log(`${cluster} knows a ${name} whose disks are gone; it is forgotten, and this one takes its place`);
  if (isMember(old)) {
    const problem = quorumProblem(server.nodes, name, cluster);
    if (problem !== undefined) throw new Error(problem);
    await endMembership(server, name);
  }
  await leave(server, name, "delete");
}
