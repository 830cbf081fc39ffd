import { ipv4ToNumber, isInside, numberToIpv4 } from "../addresses.ts";
import type { Draft } from "../draft.ts";
import type { Finding } from "../problem.ts";
import { missingKey } from "../schema-guide.ts";

/** The network section: which keys go with which mode, and networks that libvirt makes itself. */
export function networkRules(draft: Draft): Finding[] {
  const { network } = draft;
  if (network === undefined) return [];
  return network.mode === "bridge" ? bridgeRules(draft) : ownNetworkRules(draft);
}

function bridgeRules({ network }: Draft): Finding[] {
  if (network === undefined) return [];
  const { gateway, cidr } = network;
  if (gateway === undefined) return [missingKey(["network", "gateway"])];
  const at = ipv4ToNumber(gateway);
  if (isInside(cidr, { first: at, last: at })) return [];
  const message = `the gateway ${gateway} is outside the network ${cidr.text}`;
  return [
    {
      rule: "outside-network",
      path: ["network", "gateway"],
      message,
      hint: "write the router's address in this network",
    },
  ];
}

/** Isolated and NAT networks exist on one host, which takes the first address itself. */
function ownNetworkRules({ network, hosts, boardNames }: Draft): Finding[] {
  if (network === undefined) return [];
  const { mode, cidr, gateway, bridge } = network;
  const findings: Finding[] = [];
  const first = numberToIpv4(cidr.first + 1);
  if (gateway !== undefined && gateway !== first) {
    const message = `in a network of mode ${mode} the host itself is the gateway, at ${first} and not at ${gateway}`;
    findings.push({
      rule: "wrong-gateway",
      path: ["network", "gateway"],
      message,
      hint: `remove the key, or write ${first}`,
    });
  }
  if (bridge !== undefined) {
    const message = `libvirt makes the bridge of a network of mode ${mode} itself`;
    findings.push({
      rule: "bridge-not-used",
      path: ["network", "bridge"],
      at: "key",
      message,
      hint: "remove the key, or use mode: bridge",
    });
  }
  if (boardNames.length !== 1) {
    const message = `a network of mode ${mode} exists on one host only; this site has ${boardNames.length} boards`;
    findings.push({
      rule: "one-host-only",
      path: ["network", "mode"],
      message,
      hint: "use mode: bridge, or keep one board",
    });
  }
  for (const { name, address } of hosts) {
    if (address === undefined) continue;
    const at = ipv4ToNumber(address);
    if (!isInside(cidr, { first: at, last: at })) continue;
    const message = `${name} is reached at ${address}, inside ${cidr.text}, which libvirt would make anew on that host`;
    findings.push({
      rule: "network-in-use",
      path: ["network", "cidr"],
      message,
      hint: "choose a network that is used nowhere yet",
    });
  }
  return findings;
}

/** Mistakes that may be meant. */
export function networkWarnings({ network, boards }: Draft): Finding[] {
  if (network === undefined || network.mode !== "bridge") return [];
  const { cidr } = network;
  return boards.flatMap(({ path, board }): Finding[] => {
    const at = board.address === undefined ? cidr.first : ipv4ToNumber(board.address);
    if (isInside(cidr, { first: at, last: at })) return [];
    const message = `${board.name} has the address ${board.address}, outside the network ${cidr.text} of its VMs`;
    return [
      {
        rule: "board-outside-network",
        path: [...path, "address"],
        message,
        hint: "right only if the router knows both networks",
      },
    ];
  });
}
