import type { SshTarget } from "../transport/ssh.ts";
import type { NodeState } from "./k3s-guard.ts";
import { type Answering, findServer, whySilent } from "./k3s-look.ts";
import { isMember } from "./k3s-quorum.ts";
import type { K3sNode } from "./k3s-spec.ts";

/** How a server begins. */
export interface Joining {
  /** `as-before`: it has what it needs; `alone`: with sqlite; `init`: it begins a cluster with etcd; or a URL to join. */
  readonly start: "as-before" | "alone" | "init" | `https://${string}`;
  /** Whether it has etcd's data of a time before it left the cluster, which must not be used again. */
  readonly left: boolean;
  /** The server that it joins, which is connected to. */
  readonly from?: Answering;
}

/** A node that has what it needs. */
export const asBefore: Joining = { start: "as-before", left: false };

/** How long other servers are waited for where there must be one, in seconds. */
const serverPatience = 180;

/**
 * How a server is to begin. Only the first begins a cluster, and only where no other server has one: made anew, it joins
 * the others as they joined it. So there are never two clusters of one name.
 * @throws Error when other servers are there and none of them answers.
 */
export async function joining(
  guest: SshTarget,
  key: string,
  spec: K3sNode,
  { etcd, started }: Pick<NodeState, "etcd" | "started">,
): Promise<Joining> {
  const others = spec.servers.filter(({ name }) => name !== guest.name);
  const isFirst = spec.servers[0]?.name === guest.name;
  if (spec.datastore === "sqlite") return etcd ? asBefore : { start: "alone", left: false };
  // A server that has sqlite's file turns it into etcd's when it begins a cluster (k3s, since 1.22).
  if (isFirst && started && !etcd) return { start: "init", left: false };
  const found = await findServer(others, key, isFirst || etcd ? 0 : serverPatience);
  if (!("nodes" in found)) {
    if (etcd) return asBefore;
    const there = found.filter(({ reached }) => reached);
    if (isFirst && there.length === 0) return { start: "init", left: false };
    throw new Error(
      `${guest.name} has nothing of ${spec.cluster} yet, and no other server answers:\n${whySilent(found)}\n` +
        "It was not started: a second cluster of that name would begin. See to those servers and run `up` again.",
    );
  }
  const self = found.nodes.find(({ name }) => name === guest.name);
  if (etcd && self !== undefined && isMember(self)) {
    found.connection.close();
    return asBefore;
  }
  return { start: `https://${found.target.address}:6443`, left: etcd, from: found };
}
