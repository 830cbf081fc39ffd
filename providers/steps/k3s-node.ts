import { createHash } from "node:crypto";
import type { Connection, SenderConnection } from "../transport/connection.ts";
import { connect, type SshTarget } from "../transport/ssh.ts";
import { optional, required, requiredSeconds, requiredTarget } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { ensureBundle } from "./k3s-bundle.ts";
import { forgetPredecessor } from "./k3s-departure.ts";
import { judgeDisk, measureDisk } from "./k3s-fsync.ts";
import { awaitNode } from "./k3s-gate.ts";
import { isUpgrade, type NodeState, refusal } from "./k3s-guard.ts";
import { asBefore, type Joining, joining } from "./k3s-joining.ts";
import { type Answering, findServer, whySilent } from "./k3s-look.ts";
import {
  authorityFiles,
  endpointFiles,
  interfacePlaceholder,
  type K3sNode,
  type K3sSecrets,
  k3sNode,
  nodeFiles,
  nodeSecrets,
  unitOf,
} from "./k3s-spec.ts";

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;

/**
 * Makes a guest a node of a k3s cluster, or brings it up to date: another release is put in place of the one that runs,
 * and pods go on meanwhile. Ends when pods can run on the node, and a server's etcd has its vote.
 */
export async function addNode(): Promise<string> {
  const spec = k3sNode();
  const secrets = nodeSecrets();
  const guest = requiredTarget("guest");
  const key = required("sshKey");
  const start = Date.now();
  const connection = await connect(guest, key, { patience: reachPatience });
  try {
    if (spec.role === "server") await mountDisk(connection, guest.name, spec, secrets);
    const state = await stateOf(connection, guest.name, spec);
    const no = refusal(guest.name, state, {
      spec,
      config: required("k3sConfig"),
      ca: hashOf(secrets.authorities?.["server-ca.crt"]),
      token: hashOf(`${secrets.token}\n`),
      agentToken: hashOf(secrets.agentToken && `${secrets.agentToken}\n`),
    });
    if (no !== undefined) throw new Error(no);
    await ensureBundle(connection, guest.name, spec);
    const how =
      spec.role === "server"
        ? await prepareServer(connection, guest, key, spec, state)
        : await prepareAgent(guest, key, spec, state);
    const begins = how.start !== "as-before";
    const done = await onGuest(connection, {
      what: `starting k3s on ${guest.name}`,
      files: [...nodeFiles(spec, secrets), ...(state.started ? [] : authorityFiles(secrets))],
      scripts: begins ? ["k3s-join", "k3s-node"] : ["k3s-node"],
      args: [
        ...[unitOf(spec.role), spec.version, String(Math.round(Date.now() / 1000)), guest.address],
        ...(begins ? [how.start, how.left ? "yes" : "no"] : []),
      ],
    });
    const etcd = spec.role === "server" && (spec.datastore === "etcd" || state.etcd);
    await gate(connection, guest, key, spec, etcd);
    if (spec.role === "server") await holdEndpoint(connection, guest);
    return `${guest.name} is a node of ${spec.cluster} with k3s ${spec.version} (${done}, ${Math.round((Date.now() - start) / 1000)} s)`;
  } finally {
    connection.close();
  }
}

/** Waits for the node at a server, and gives it its labels and taints there. */
async function gate(
  guest: SenderConnection,
  target: SshTarget,
  key: string,
  spec: K3sNode,
  etcd: boolean,
): Promise<void> {
  const server = spec.role === "server" ? guest : (await someServer(spec, key, target.name)).connection;
  try {
    await awaitNode({
      name: target.name,
      spec,
      etcd,
      guest,
      server,
      patience: requiredSeconds("patience"),
      say: console.log,
    });
    await onGuest(server, {
      what: `giving ${target.name} its labels and taints`,
      scripts: ["k3s-api", "k3s-mark"],
      args: [target.name, JSON.stringify(spec.labels), JSON.stringify(spec.taints.map(bare))],
    });
  } finally {
    if (server !== guest) server.close();
  }
}

async function someServer(spec: K3sNode, key: string, agent: string): Promise<Answering> {
  const found = await findServer(spec.servers, key, requiredSeconds("patience"));
  if ("nodes" in found) return found;
  throw new Error(`no server of ${spec.cluster} answers, so ${agent} cannot join:\n${whySilent(found)}`);
}

async function prepareAgent(guest: SshTarget, key: string, spec: K3sNode, { started }: NodeState): Promise<Joining> {
  if (started) return asBefore;
  const server = await someServer(spec, key, guest.name);
  try {
    await forgetPredecessor(server, guest.name, spec.cluster);
    return asBefore;
  } finally {
    server.connection.close();
  }
}

async function mountDisk(
  connection: SenderConnection,
  name: string,
  spec: K3sNode,
  secrets: K3sSecrets,
): Promise<void> {
  await onGuest(connection, {
    what: `mounting the data disk of ${name}`,
    files: nodeFiles(spec, secrets).filter(({ path }) => path.endsWith(".mount")),
    scripts: ["k3s-disk"],
  });
}

async function stateOf(connection: SenderConnection, name: string, spec: K3sNode): Promise<NodeState> {
  const state: NodeState = JSON.parse(
    await onGuest(connection, {
      what: `looking at ${name}`,
      scripts: ["k3s-state"],
      args: [unitOf(spec.role)],
    }),
  );
  return state;
}

/** What is done before a server starts: its disk is measured, what is there is kept, and it is found out how it begins. */
async function prepareServer(
  connection: SenderConnection,
  guest: SshTarget,
  key: string,
  spec: K3sNode,
  state: NodeState,
): Promise<Joining> {
  if (!state.started) console.log(judgeDisk(guest.name, await measureDisk(connection, guest.name), spec));
  if (state.etcd && isUpgrade(state, spec.version)) await snapshot(connection, guest.name, `before-${spec.version}`);
  const how = await joining(guest, key, spec, state);
  if (how.from !== undefined) {
    const { connection: other, target } = how.from;
    try {
      await snapshot(other, target.name, `before-${guest.name}`);
      if (!state.started) await forgetPredecessor(how.from, guest.name, spec.cluster);
    } finally {
      other.close();
    }
  }
  return how;
}

async function snapshot(connection: Connection, name: string, as: string): Promise<void> {
  const said = await onGuest(connection, {
    what: `taking a snapshot on ${name}`,
    scripts: ["k3s-snapshot"],
    args: [as.replaceAll("+", "-")],
  });
  console.log(said);
}

async function holdEndpoint(connection: SenderConnection, guest: SshTarget): Promise<void> {
  const content = optional("keepalivedConf");
  if (content === undefined) return;
  await onGuest(connection, {
    what: `having ${guest.name} hold the cluster's address`,
    files: endpointFiles(content),
    scripts: ["k3s-endpoint"],
    args: [guest.address, interfacePlaceholder],
  });
}

function hashOf(text: string | undefined): string {
  return text === undefined ? "" : createHash("sha256").update(text).digest("hex");
}

/** As Kubernetes writes it: without a value that is empty. */
function bare({ key, value, effect }: K3sNode["taints"][number]) {
  return value === "" ? { key, effect } : { key, value, effect };
}
