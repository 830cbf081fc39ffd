import { type Cidr, ipv4ToNumber, type Range, rangeSize } from "../addresses.ts";
import type { Draft } from "../draft.ts";
import { groupsOf, type K3sDraft } from "../draft-clusters.ts";
import { type Finding, type Path, showPath } from "../problem.ts";
import { dnsIndex } from "../resolve-clusters.ts";
import { k3sOf } from "./k3s.ts";

/** The networks inside of k3s clusters: no address in them may be that of something outside, and each has room. */
export function k3sNetworkRules(draft: Draft): Finding[] {
  const outside = outsideOf(draft);
  return k3sOf(draft).flatMap((cluster) => [
    ...overlaps(cluster, outside),
    ...roomForNodes(cluster),
    ...servicesSize(cluster),
  ]);
}

/** What nodes must be able to reach. */
interface Outside extends Range {
  readonly what: string;
  readonly path: Path;
}

function outsideOf({ network, boards, storages }: Draft): Outside[] {
  const one = (what: string, path: Path, address: number) => ({ what, path, first: address, last: address });
  const networks =
    network === undefined
      ? []
      : [
          { ...network.cidr, what: `the site's network, ${network.cidr.text}`, path: ["network", "cidr"] },
          ...(network.dns ?? []).map((address, index) =>
            one(`the name server ${address}`, ["network", "dns", index], ipv4ToNumber(address)),
          ),
        ];
  const machines = [
    ...boards.map(({ board: { name, address }, path }) => ({ name, address, path })),
    ...storages.map(({ name, input, path }) => ({ name, address: input.address, path })),
  ].flatMap(({ name, address, path }) =>
    address === undefined ? [] : one(`${name}, which is at ${address}`, [...path, "address"], ipv4ToNumber(address)),
  );
  return [...networks, ...machines];
}

function overlaps({ path, input }: K3sDraft, outside: readonly Outside[]): Finding[] {
  const { pods, services } = input;
  const inner = [
    { key: "pods", cidr: pods },
    { key: "services", cidr: services },
  ];
  const each = inner.flatMap(({ key, cidr }) => {
    // One finding is enough for a network with many machines in it.
    const hit = outside.find((other) => meet(cidr, other));
    if (hit === undefined) return [];
    const at = [...path, key];
    const message = `${showPath(at)}: ${cidr.text} has addresses of ${hit.what}, which no pod could reach`;
    return [{ rule: "overlapping-networks", path: at, other: hit.path, message, hint: free([pods, services]) }];
  });
  if (!meet(pods, services)) return each;
  const at = [...path, "services"];
  const message = `${showPath(at)}: ${services.text} and the pods' ${pods.text} have addresses in common`;
  const hint = "give each its own, such as 10.42.0.0/16 and 10.43.0.0/16";
  return [...each, { rule: "overlapping-networks", path: at, other: [...path, "pods"], message, hint }];
}

function meet(a: Range, b: Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function free(taken: readonly Cidr[]): string {
  const usual = ["10.42.0.0/16", "10.43.0.0/16"];
  const isUsual = taken.every(({ text }, index) => text === usual[index]);
  return `use a network that is used nowhere, such as ${isUsual ? "172.20.0.0/16" : "10.42.0.0/16"}`;
}

/** k3s gives every node a /24 of the pods' network (kube-controller-manager, --node-cidr-mask-size). */
const nodePrefixLength = 24;

function roomForNodes(cluster: K3sDraft): Finding[] {
  const { path, input } = cluster;
  const nodes = groupsOf(cluster).reduce((sum, group) => sum + rangeSize(group.input.addresses), 0);
  const room = Math.floor(2 ** (nodePrefixLength - input.pods.prefixLength));
  if (nodes <= room) return [];
  const prefix = nodePrefixLength - Math.ceil(Math.log2(nodes));
  const message = `${showPath([...path, "pods"])}: ${input.pods.text} is enough for ${room} nodes, and there can be ${nodes}`;
  const hint = `each gets a /${nodePrefixLength} of it: use a /${prefix}, or shorter ranges of addresses`;
  return [{ rule: "pods-too-small", path: [...path, "pods"], message, hint }];
}

/** Kubernetes counts the addresses of services in 20 bits at most (kube-apiserver, --service-cluster-ip-range). */
const shortestServicePrefix = 12;

function servicesSize({ path, input: { services } }: K3sDraft): Finding[] {
  const at = [...path, "services"];
  if (services.prefixLength < shortestServicePrefix) {
    const message = `${showPath(at)}: ${services.text} is larger than Kubernetes takes`;
    const hint = `use a /${shortestServicePrefix} or smaller, such as 10.43.0.0/16`;
    return [{ rule: "bad-network", path: at, message, hint }];
  }
  if (rangeSize(services) > dnsIndex + 1) return [];
  const message = `${showPath(at)}: ${services.text} has no address ${dnsIndex}, which is that of the name server`;
  return [{ rule: "bad-network", path: at, message, hint: "use a /28 or larger, such as 10.43.0.0/16" }];
}
