import { numberToIpv4, rangeSize } from "../addresses.ts";
import type { Draft } from "../draft.ts";
import { groupsOf, type K3sDraft } from "../draft-clusters.ts";
import { nearest } from "../nearest.ts";
import { type Finding, list, show, showPath } from "../problem.ts";
import { missingKey } from "../schema-guide.ts";
import { printSize } from "../units.ts";

/** k3s clusters: how many servers, where their API is, and what nodes must and may be. */
export function k3sRules(draft: Draft): Finding[] {
  return k3sOf(draft).flatMap((cluster) => [
    ...serverCount(cluster),
    ...endpoint(cluster),
    ...tooLittleMemory(cluster),
    ...taints(cluster),
    ...storage(cluster, draft),
  ]);
}

/** The k3s clusters of a draft. */
export function k3sOf({ clusters }: Draft): readonly K3sDraft[] {
  return clusters.filter((cluster) => cluster.type === "k3s");
}

/** How many of a number of etcd's servers must be there for anything to be written. */
export function quorumOf(servers: number): number {
  return Math.floor(servers / 2) + 1;
}

function serverCount({ path, input }: K3sDraft): Finding[] {
  const { count } = input.servers;
  if (count % 2 === 1) return [];
  const at = [...path, "servers", "count"];
  if (count === 0) {
    const message = `${showPath(path)} has no server`;
    const hint = "use 1, or 3 or 5, of which 1 or 2 may be lost; to take the cluster away, take out the whole of it";
    return [{ rule: "no-server", path: at, message, hint }];
  }
  const lost = count - quorumOf(count);
  const less = count - 1;
  const message = `${showPath(path)}: of ${count} servers ${quorumOf(count)} must be there, so no more may be lost than of ${less}: ${lost}`;
  return [{ rule: "even-servers", path: at, message, hint: `use ${less} or ${count + 1}` }];
}

function endpoint({ path, input }: K3sDraft): Finding[] {
  const { count, addresses } = input.servers;
  if (input.endpoint === undefined) {
    if (count < 2) return [];
    const message = `${showPath(path)} has ${count} servers and no address of the API that outlives one of them`;
    const { hint } = missingKey([...path, "endpoint"], { clusters: { [String(path[1])]: { type: "k3s" } } });
    return [{ rule: "no-endpoint", path, at: "key", message, hint: `${hint}, with an address that nothing has` }];
  }
  if (rangeSize(addresses) > 1) return [];
  const message = `${showPath(path)} has room for one server only, so its API can't be anywhere else than at ${numberToIpv4(addresses.first)}`;
  const hint = "remove endpoint, or give the servers a range of addresses";
  return [{ rule: "endpoint-of-one", path: [...path, "endpoint"], at: "key", message, hint }];
}

/** k3s's own figures are 2 GiB for a server (docs.k3s.io/installation/requirements); a small cluster runs in less. */
export const leastMemoryMiB = { server: 1536, agent: 512 } as const;

function tooLittleMemory(cluster: K3sDraft): Finding[] {
  return groupsOf(cluster).flatMap(({ path, input }): Finding[] => {
    const kind = path === cluster.servers.path ? "server" : "agent";
    const least = leastMemoryMiB[kind];
    if (input.memory >= least) return [];
    const what = kind === "server" ? "a server of k3s" : "an agent of k3s";
    const message = `${showPath(path)}: ${what} and its pods do not run in ${printSize(input.memory)}`;
    return [
      { rule: "too-little-memory", path: [...path, "memory"], message, hint: `use ${printSize(least)} at least` },
    ];
  });
}

/** The kubelet does not start with two taints of one key and effect. */
function taints({ groups }: K3sDraft): Finding[] {
  return groups.flatMap(({ path, input }) => {
    const sameKind = (index: number) => {
      const { key, effect } = input.taints[index] ?? {};
      return input.taints.findIndex((other) => other.key === key && other.effect === effect);
    };
    return input.taints.flatMap(({ key, effect }, index): Finding[] => {
      const first = sameKind(index);
      if (first === index) return [];
      const at = [...path, "taints"];
      const message = `${showPath(at)}: there are two of ${key} with ${effect}`;
      return [{ rule: "duplicate-taint", path: [...at, index], other: [...at, first], message, hint: "keep one" }];
    });
  });
}

function storage({ path, input }: K3sDraft, { storages }: Draft): Finding[] {
  const { storage } = input;
  if (storage === undefined || storages.some(({ name }) => name === storage)) return [];
  const known = storages.map(({ name }) => name);
  const meant = nearest(storage, known);
  const there = known.length === 0 ? "there is none" : `there is ${list(known, 10)}`;
  const add = `add storage: { ${storage}: { server: BOARD } } to the site`;
  const message = `${showPath([...path, "storage"])}: there is no storage ${show(storage)}`;
  const hint = meant === undefined ? `${there}: ${add}` : `did you mean ${meant}? ${there}`;
  return [{ rule: "unknown-storage", path: [...path, "storage"], message, hint }];
}
