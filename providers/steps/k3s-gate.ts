import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../transport/connection.ts";
import { onGuest } from "./guest-script.ts";
import { awaitNews, type Look, lookAgain, lookAt } from "./k3s-look.ts";
import { type K3sNode, unitOf } from "./k3s-spec.ts";

/** How a node's service fares, as it says itself. */
export interface ServiceSeen {
  /** As `systemctl is-active` says it. */
  readonly state: string;
  readonly restarts: number;
  /** What it last complained of; empty at first. */
  readonly last: string;
  /** Whether the node has its part of the pods' network. */
  readonly network: boolean;
}

export interface GateArgs {
  readonly name: string;
  readonly spec: Pick<K3sNode, "role" | "version">;
  /** Whether it keeps the cluster's state in etcd. */
  readonly etcd: boolean;
  readonly guest: Connection;
  /** The server that is asked. */
  readonly server: Connection;
  /** In seconds. */
  readonly patience: number;
  readonly say: (line: string) => void;
}

/**
 * Waits until a node is ready in earnest. "Ready" alone is said too early: pods do not start before flannel has given
 * the node its network, and none is placed there before the cloud controller has taken its taint away.
 * @throws Error with what is missing and what the service said last, when the time is up.
 */
export async function awaitNode(args: GateArgs): Promise<void> {
  const { name, spec, guest, server } = args;
  const end = Date.now() + args.patience * 1000;
  for (let said = ""; ; ) {
    const start = Date.now();
    const service: ServiceSeen = JSON.parse(
      await onGuest(guest, {
        what: `looking after k3s on ${name}`,
        scripts: ["k3s-service"],
        args: [unitOf(spec.role)],
      }),
    );
    const look = await lookAt(server);
    const missing = whatIsMissing(name, spec.version, args.etcd, service, look);
    if (missing === undefined) return;
    if (missing !== said) args.say(`${name}: ${missing}`);
    said = missing;
    if (Date.now() > end) {
      const complaint = service.last === "" ? "" : `\nk3s said last: ${service.last}`;
      throw new Error(
        `${name} is not a working node after ${args.patience} s: ${missing}${complaint}\n` +
          `More is there: npm run bramble -- ssh ${name} journalctl -u ${unitOf(spec.role)}`,
      );
    }
    // A look takes a part of the node's own processor, which without KVM is slow and has other things to do.
    await delay(Math.max(lookAgain, Date.now() - start));
    if (lacksInCluster(name, spec.version, args.etcd, look) !== undefined) await awaitNews(server, name, look);
    else await onGuest(guest, { what: `waiting for the network of ${name}`, scripts: ["k3s-network"] });
  }
}

/** The first thing that a node still lacks, in words; undefined when pods can run on it. */
export function whatIsMissing(
  name: string,
  version: string,
  etcd: boolean,
  service: ServiceSeen,
  look: Look,
): string | undefined {
  if (service.state !== "active") {
    const often = service.restarts > 0 ? ` (started ${service.restarts + 1} times: ${service.last})` : "";
    return `k3s is ${service.state} there${often}`;
  }
  return lacksInCluster(name, version, etcd, look) ?? (service.network ? undefined : "it has no network for pods yet");
}

/** What the API would tell of when it is there. */
function lacksInCluster(name: string, version: string, etcd: boolean, look: Look): string | undefined {
  if ("down" in look) return "the API is not ready yet";
  const node = look.nodes.find((seen) => seen.name === name);
  if (node === undefined) return "it has not registered yet";
  if (!node.ready) return "its kubelet is not ready yet";
  if (node.waits) return "k3s has not yet said what machine it is";
  if (node.version !== version) return `its kubelet is still ${node.version}, not ${version}`;
  return etcd && !node.voter ? "its etcd has no vote yet" : undefined;
}
