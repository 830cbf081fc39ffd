import { lostHosts } from "../transport/key-files.ts";
import { connect, type SshTarget, Unreachable } from "../transport/ssh.ts";
import { required, requiredTarget } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { endMembership, leave } from "./k3s-departure.ts";
import { type Answering, findServer, type NodeSeen, whySilent } from "./k3s-look.ts";
import { isMember, membersOf, quorumProblem } from "./k3s-quorum.ts";
import { type K3sMembership, membership, unitOf } from "./k3s-spec.ts";
import { hasGone } from "./vm-on-host.ts";

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;
/** How long `kubectl drain` tries before it is looked whether somebody has interrupted, in seconds. */
const drainTurn = 15;
/** What kubectl is told where the node is down: pods that have been told to end for 5 s are not waited for. */
const nodeIsDown = "--skip-wait-for-delete-timeout=5 --force";

/**
 * Takes a node out of its cluster: no new pods, those that run move elsewhere as their disruption budgets allow, its etcd
 * gives up its vote, the service ends, the node is forgotten. When the time for the pods is up, or the step is
 * interrupted, it takes pods again and the step fails, so that nothing is deleted.
 */
export async function removeNode(interrupted: AbortSignal): Promise<string> {
  const spec = membership();
  const guest = requiredTarget("guest");
  const key = required("sshKey");
  if (await hasGone(key)) return `${guest.name} has left the cluster, and its VM is gone`;
  const lost = await lostHosts(spec.site);
  const isLost = (name: string) => (spec.places[name] ?? "") in lost;
  if (spec.role === "server" && (await isOnlyServer(spec, guest, key, isLost)))
    return lastServer(guest, key, spec, isLost(guest.name));
  const others = spec.servers.filter(({ name }) => name !== guest.name && !isLost(name));
  const server = await findServer(others, key, reachPatience, interrupted);
  if (!("nodes" in server)) throw new Error(nobodyAnswers(guest.name, spec, whySilent(server)));
  try {
    const self = server.nodes.find(({ name }) => name === guest.name);
    const hasVote = self !== undefined && isMember(self);
    if (hasVote) await keepQuorum(server, self, spec.cluster);
    if (self !== undefined) await drain(server, self, isLost(guest.name), spec.drain, interrupted);
    const isReached = hasVote ? await giveUpVote(server, guest, key, isLost(guest.name)) : !isLost(guest.name);
    if (isReached) await stopService(guest, key, spec);
    await leave(server, guest.name, "delete");
    return `${guest.name} is drained and has left the cluster`;
  } finally {
    server.connection.close();
  }
}

/** Whether it is the last one, which those before it may have left behind. */
async function isOnlyServer(
  spec: K3sMembership,
  guest: SshTarget,
  key: string,
  isLost: (name: string) => boolean,
): Promise<boolean> {
  if (spec.servers.length === 1) return true;
  const there = spec.servers.filter(({ name }) => !isLost(name));
  const found = await findServer(there, key, 0);
  if (!("nodes" in found)) return false;
  found.connection.close();
  const members = membersOf(found.nodes);
  return members.length === 1 && members[0]?.name === guest.name;
}

/** The cluster ends with its only server: there is no other node for its pods. Its data disk is not touched here. */
async function lastServer(guest: SshTarget, key: string, spec: K3sMembership, isLost: boolean): Promise<string> {
  if (!isLost) await stopService(guest, key, spec);
  return `${guest.name}, the only server of ${spec.cluster}, has stopped`;
}

/** Refuses where most of etcd's members would be gone, and keeps a snapshot where not. */
async function keepQuorum(server: Answering, self: NodeSeen, cluster: string): Promise<void> {
  const problem = quorumProblem(server.nodes, self.name, cluster);
  if (problem !== undefined) throw new Error(problem);
  console.log(
    await onGuest(server.connection, {
      what: `taking a snapshot on ${server.target.name}`,
      scripts: ["k3s-snapshot"],
      args: [`before-${self.name}-leaves`],
    }),
  );
}

async function drain(
  server: Answering,
  self: NodeSeen,
  isLost: boolean,
  patience: number,
  interrupted: AbortSignal,
): Promise<void> {
  const end = Date.now() + patience * 1000;
  await leave(server, self.name, "cordon");
  for (let said = ""; ; ) {
    const turn = Math.max(1, Math.min(drainTurn, Math.ceil((end - Date.now()) / 1000)));
    const left = await leave(server, self.name, "drain", String(turn), isLost || !self.ready ? nodeIsDown : "");
    if (left === "drained") return;
    if (interrupted.aborted || Date.now() > end) {
      await leave(server, self.name, "uncordon");
      throw new Error(
        interrupted.aborted
          ? `interrupted while ${self.name} was drained; it takes pods again and was not removed`
          : `${self.name} still has pods after ${patience} s (drain.timeout), so it takes pods again and was not removed:\n${left}\n` +
              "A disruption budget (PodDisruptionBudget) holds a pod until another runs elsewhere: see whether one can. Then run " +
              "`up` again. For a longer wait, put the node back into the site file, raise drain.timeout of its cluster, run `up`, " +
              "and only then take it out.",
      );
    }
    if (left !== said) console.log(`${self.name} takes no more pods; it still has\n${left}`);
    said = left;
  }
}

/**
 * The vote goes while its etcd still runs, if it does: of two members, both are needed to let one go.
 * @returns whether the machine can be reached
 */
async function giveUpVote(server: Answering, guest: SshTarget, key: string, isLost: boolean): Promise<boolean> {
  const isReached = !isLost && (await onNode(guest, key, "k3s-leaving", "k3s"));
  await endMembership(server, guest.name);
  return isReached;
}

async function stopService(guest: SshTarget, key: string, { role }: K3sMembership): Promise<void> {
  await onNode(guest, key, "k3s-stop", unitOf(role));
}

/**
 * On a machine that can't be reached there is nothing to stop that would be left when its VM has gone.
 * @returns whether it was reached
 */
async function onNode(guest: SshTarget, key: string, script: string, unit: string): Promise<boolean> {
  try {
    const connection = await connect(guest, key, { patience: reachPatience });
    try {
      await onGuest(connection, { what: `stopping k3s on ${guest.name}`, scripts: [script], args: [unit] });
      return true;
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`${error.message}\nIt is taken out of the cluster all the same: no pod is left on it.`);
    return false;
  }
}

function nobodyAnswers(name: string, spec: K3sMembership, why: string): string {
  const servers = why === "" ? "  they all ran on hosts that are lost" : why;
  return (
    `no other server of ${spec.cluster} answers:\n${servers}\n` +
    `Nobody else can say what runs on ${name}, or move it, so it is kept. See to the servers and run \`up\` again; if a ` +
    "host never will run again, say so at its board in the site file (lost: WHY)."
  );
}
