import { list } from "../problem.ts";
import { type Change, counted, membersOf, type Objection } from "./objection.ts";
import type { ClusterOutline } from "./outline.ts";

/** What a k3s cluster that has VMs does not survive. */
export function k3sRules(change: Change): Objection[] {
  return [...change.before.clusters].flatMap(([name, before]) => {
    // One that is disposable may go with all that it has.
    if (before.type !== "k3s" || before.disposable) return [];
    return [...quorumLost(name, change), ...clusterBroken(name, before, change)];
  });
}

/**
 * etcd answers as long as more than half of its members are there. One that is made again is missing until it has
 * joined. A single server has no etcd: what it must not lose is its data disk.
 */
function quorumLost(cluster: string, change: Change): Objection[] {
  const servers = membersOf(cluster, change).filter(({ vm }) => vm.role === "server");
  const touched = servers.filter(({ fate }) => fate !== "stays");
  const quorum = Math.floor(servers.length / 2) + 1;
  const left = servers.length - touched.length;
  if (servers.length < 3 || left >= quorum) return [];
  const names = list(touched.map(({ vm }) => vm.name));
  const message =
    `${touched.length} of the ${servers.length} servers of ${cluster} would go or be made again at once (${names}), ` +
    `which leaves ${left}, and its database needs ${quorum} to answer`;
  const most = servers.length - quorum;
  const instead =
    `change at most ${counted(most, "server")} in one \`up\`, and the next when ${most === 1 ? "it has" : "they have"} joined again. ` +
    "What can't be split, such as another image or three servers made one, `up` does server by server, and stops where " +
    "the others would not answer; but while it does, no other may fail";
  return [{ rule: "quorum-lost", message, instead, about: touched.map(({ vm, fate }) => `${vm.name} ${fate}`) }];
}

/** What k3s writes into its database or its certificates when a cluster begins, and takes no other of later. */
const lasting = {
  ca: "certificate authorities (keys.epoch.k3sCa)",
  token: "token (keys.epoch.k3sToken)",
  pods: "network of the pods",
  services: "network of the services",
} as const;

function clusterBroken(name: string, { k3s: old }: ClusterOutline, { after }: Change): Objection[] {
  const next = after.clusters.get(name)?.k3s;
  if (old === undefined || next === undefined) return [];
  const rule = "cluster-broken";
  const keys = ["ca", "token", "pods", "services"] as const;
  const changed = keys.filter((key) => old[key] !== next[key]);
  const about = changed.map((key) => `${name} ${key} ${next[key]}`);
  const what = `the ${list(changed.map((key) => lasting[key]))} of ${name} would be others`;
  const objections: Objection[] = [];
  if (changed.length > 0) {
    const message = `${what}, and its nodes would not know each other any more`;
    const instead = "put them back, or make a new cluster with another name and move to it what runs here";
    objections.push({ rule, message, instead, about });
  }
  const [from, to] = [minorOf(old.version), minorOf(next.version)];
  if (to < from || to > from + 1) {
    const message = `${name} would go from ${old.version} to ${next.version}, and Kubernetes goes from one minor release to the next, never back`;
    const instead = to < from ? `keep ${old.version}` : `go to the newest release of 1.${(from % 1000) + 1} first`;
    objections.push({ rule, message, instead, about: [`${name} ${old.version} ${next.version}`] });
  }
  return objections;
}

/** A number that grows with the minor release: 1035 for `v1.35.0+k3s3`. */
function minorOf(version: string): number {
  const [, major = "0", minor = "0"] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  return Number(major) * 1000 + Number(minor);
}
