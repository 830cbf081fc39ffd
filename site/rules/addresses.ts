import { type Cidr, ipv4ToNumber, isInside, numberToIpv4, printRange, type Range, rangeSize } from "../addresses.ts";
import type { Draft } from "../draft.ts";
import { groupsOf } from "../draft-clusters.ts";
import { type Finding, type Path, showPath } from "../problem.ts";

/** Every address belongs to one machine, VMs have theirs in the network, and ranges are long enough. */
export function addressRules(draft: Draft): Finding[] {
  const claims = claimsOf(draft);
  const { network } = draft;
  const outside =
    network === undefined
      ? []
      : claims.filter(({ kind }) => kind === "vm").flatMap((claim) => outsideOf(network.cidr, claim));
  return [...outside, ...tooShort(draft), ...clashes(claims)];
}

interface Claim extends Range {
  readonly path: Path;
  readonly what: string;
  /** Services (gateway, name and time servers) may share an address with each other and with boards. */
  readonly kind: "network" | "service" | "board" | "leases" | "vm";
}

function claimsOf({ network, boards, boot, clusters }: Draft): Claim[] {
  const one = (kind: Claim["kind"], what: string, path: Path, address: number): Claim => ({
    kind,
    what,
    path,
    first: address,
    last: address,
  });
  const claims: Claim[] = [];
  if (network !== undefined) {
    const { cidr, mode, gateway, dns = [], ntp } = network;
    const path = ["network", "cidr"];
    claims.push(
      one("network", "the network's own address", path, cidr.first),
      one("network", "the broadcast address", path, cidr.last),
    );
    if (mode !== "bridge") claims.push(one("service", "the host's own address in this network", path, cidr.first + 1));
    if (gateway !== undefined)
      claims.push(one("service", "the gateway", ["network", "gateway"], ipv4ToNumber(gateway)));
    for (const [index, server] of dns.entries())
      claims.push(one("service", "a name server", ["network", "dns", index], ipv4ToNumber(server)));
    for (const [index, server] of ntp.entries()) {
      const address = /^[\d.]+$/.test(server)
        ? server.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0)
        : undefined;
      if (address !== undefined) claims.push(one("service", "a time server", ["network", "ntp", index], address));
    }
  }
  for (const { path, board } of boards) {
    if (board.address !== undefined)
      claims.push(one("board", showPath(path), [...path, "address"], ipv4ToNumber(board.address)));
  }
  if (boot?.leases !== undefined)
    claims.push({ kind: "leases", what: "boot.leases", path: ["boot", "leases"], ...boot.leases });
  for (const cluster of clusters) {
    if (cluster.type === "slurm" && cluster.controller.address !== undefined) {
      const { path, address } = cluster.controller;
      claims.push(one("vm", showPath(path), [...path, "address"], address));
    }
    if (cluster.type === "k3s" && cluster.input.endpoint !== undefined) {
      const path = [...cluster.path, "endpoint"];
      claims.push(one("vm", showPath(path), path, ipv4ToNumber(cluster.input.endpoint)));
    }
    for (const { path, input } of groupsOf(cluster))
      claims.push({ kind: "vm", what: showPath(path), path: [...path, "addresses"], ...input.addresses });
  }
  return claims;
}

function outsideOf(cidr: Cidr, claim: Claim): Finding[] {
  if (isInside(cidr, claim)) return [];
  const hint = `use addresses from ${numberToIpv4(cidr.first + 1)} to ${numberToIpv4(cidr.last - 1)}`;
  const message = `${claim.what}: ${printRange(claim)} is outside the network ${cidr.text}`;
  return [{ rule: "outside-network", path: claim.path, message, hint }];
}

function tooShort({ clusters }: Draft): Finding[] {
  return clusters.flatMap((cluster) =>
    groupsOf(cluster).flatMap(({ path, input }): Finding[] => {
      const { count, addresses } = input;
      const size = rangeSize(addresses);
      if (count <= size) return [];
      const hint = `make the range end at ${numberToIpv4(addresses.first + count - 1)} or later, or lower count to ${size}`;
      const message = `${showPath(path)}: count is ${count}, but ${printRange(addresses)} holds ${size}`;
      return [{ rule: "range-too-short", path: [...path, "addresses"], message, hint }];
    }),
  );
}

/** Each claim against the ones that begin before it and still reach it. */
function clashes(claims: readonly Claim[]): Finding[] {
  const order = new Map(claims.map((claim, index) => [claim, index]));
  const findings: Finding[] = [];
  let reaching: Claim[] = [];
  for (const claim of [...claims].sort((a, b) => a.first - b.first)) {
    reaching = reaching.filter(({ last }) => last >= claim.first);
    const other = reaching.find((earlier) => !mayShare(earlier, claim));
    if (other !== undefined) {
      const inFileOrder = (order.get(other) ?? 0) < (order.get(claim) ?? 0);
      findings.push(inFileOrder ? clash(claim, other) : clash(other, claim));
    }
    reaching.push(claim);
  }
  return findings;
}

function mayShare(a: Claim, b: Claim): boolean {
  return (
    (a.kind === "service" && (b.kind === "service" || b.kind === "board")) ||
    (a.kind === "board" && b.kind === "service")
  );
}

function clash(claim: Claim, other: Claim): Finding {
  const shared = { first: Math.max(claim.first, other.first), last: Math.min(claim.last, other.last) };
  const single = claim.first === claim.last && other.first === other.last;
  return {
    rule: single ? "duplicate-address" : "overlapping-addresses",
    path: claim.path,
    other: other.path,
    message: `${claim.what}: ${printRange(shared)} is also ${other.kind === "network" || other.kind === "service" ? other.what : `that of ${other.what}`}`,
    hint: "give each its own address",
  };
}
