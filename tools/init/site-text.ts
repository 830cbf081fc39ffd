import { Document, Scalar } from "yaml";
import { ipv4ToNumber, numberToIpv4, parseCidr, parseIpv4, printRange } from "../../site/addresses.ts";
import { leastMemoryMiB } from "../../site/rules/k3s.ts";
import { parseSize } from "../../site/units.ts";

/** The text of a new site file. */

export const clusterKinds = ["slurm", "k3s", "none"] as const;
export type ClusterKind = (typeof clusterKinds)[number];

/** A board as it is given: its name, and keys of the site file with their values as text. */
export interface NewBoard {
  readonly name: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** What a new site is made of. What is left out, the base has. */
export interface NewSite {
  readonly name: string;
  readonly base?: string | undefined;
  readonly cidr?: string | undefined;
  readonly gateway?: string | undefined;
  readonly mode?: string | undefined;
  readonly boards: readonly NewBoard[];
  readonly cluster: ClusterKind;
}

/** The release of k3s that a new cluster has: the one that the site file's reference shows. */
export const newK3sVersion = "v1.35.0+k3s3";

/**
 * A site file for what was given. A cluster gets a worker for each board, as large as fits beside its controller, and
 * addresses in the network that nothing else here has. It is not checked yet.
 */
export function siteText(site: NewSite): string {
  const { base, cidr, gateway, mode, boards } = site;
  const parts: Record<string, unknown> = {
    ...(base !== undefined && { base }),
    ...(cidr !== undefined && { network: inOneLine({ cidr, gateway, mode }) }),
    ...(boards.length > 0 && {
      boards: Object.fromEntries(boards.map(({ name, keys }) => [name, inOneLine(boardValue(keys))])),
    }),
    ...cluster(site),
  };
  const text = new Document(parts).toString({ lineWidth: 0, flowCollectionPadding: true });
  const about = base === undefined ? `Site ${site.name}.` : `Site ${site.name}: what differs from ${base}.`;
  return `# yaml-language-server: $schema=./site.schema.json
# ${about} docs/site.md explains every key.
${text === "{}\n" ? "" : text}${site.cluster === "none" ? "" : users}`;
}

/** The site file has no users yet: their keys are nobody's to guess. */
const users = `# Who uses it, with their public keys:
# users:
#   alice: { uid: 2001, keys: ["ssh-ed25519 AAAA… alice"] }
`;

/** A mapping that is written in braces; keys without a value are left out. */
function inOneLine(value: Readonly<Record<string, unknown>>) {
  const known = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const node = new Document().createNode(Object.fromEntries(known));
  node.flow = true;
  return node;
}

/** Numbers and words as YAML has them; quotes around what it could take for something else. */
function boardValue(keys: Readonly<Record<string, string>>): Record<string, unknown> {
  const typed = Object.entries(keys).map(([key, text]): [string, unknown] => {
    if (key === "serial" || key === "mac") return [key, inQuotes(text)];
    return [key, key === "cores" && /^\d+$/.test(text) ? Number(text) : text];
  });
  return Object.fromEntries(typed);
}

function inQuotes(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function cluster(site: NewSite): Record<string, unknown> {
  if (site.cluster === "none") return {};
  const all = site.boards.filter(({ keys }) => (keys.role ?? "hypervisor") === "hypervisor");
  const hosts = ofOneKind(all);
  const share = shareOf(all);
  // Where a server of k3s leaves no room beside it, its board has no agent.
  const alone = site.cluster === "k3s" && share < leastMemoryMiB.server;
  const memory = alone ? leastMemoryMiB.server : share;
  const wanted = Math.max(alone ? 0 : 1, hosts.length - (alone ? 1 : 0));
  const { address: first, range: addresses, room } = freeAddresses(site, Math.max(mostWorkers, wanted));
  const count = Math.min(wanted, room);
  const where = hosts.length < all.length ? { hosts: hosts.map(({ name }) => name) } : {};
  const group = inOneLine({ count, memory: size(memory), addresses, ...where });
  if (site.cluster === "k3s") {
    return {
      clusters: {
        k3s: {
          type: "k3s",
          version: newK3sVersion,
          servers: inOneLine({ count: 1, memory: size(memory), addresses: first }),
          agents: { n: group },
        },
      },
    };
  }
  return {
    clusters: {
      slurm: {
        type: "slurm",
        controller: inOneLine({ address: first, memory: size(Math.min(memory, 1024)) }),
        workers: { n: group },
      },
    },
  };
}

/** The boards whose processors most of them have: a program that is built on one kind does not run on the other. */
function ofOneKind(boards: readonly NewBoard[]): readonly NewBoard[] {
  const ofPc = boards.filter(({ keys }) => keys.model === "pc" && keys.arch !== "aarch64");
  const others = boards.filter((board) => !ofPc.includes(board));
  return ofPc.length > others.length ? ofPc : others;
}

function size(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}GiB` : `${mib}MiB`;
}

/** How far a new group can grow, in addresses. */
const mostWorkers = 10;
/** What the site file's `reserve` is where it says nothing, in MiB. */
const usualReserve = 512;

/** Memory in MiB that each of two VMs on the smallest board can have, in steps of 256 MiB and at most 4 GiB. */
function shareOf(hosts: readonly NewBoard[]): number {
  const sizes = hosts.flatMap(({ keys }) => {
    const size = parseSize(keys.memory ?? "");
    return "value" in size ? [size.value] : [];
  });
  const half = (Math.min(...sizes, 64 * 1024) - usualReserve) / 2;
  return Math.min(4096, Math.max(256, Math.floor(half / 256) * 256));
}

/**
 * An address, and a range that follows it, of `count` or as many fewer as there is room for, which neither the gateway
 * nor a board has: from the hundredth of the network on, or from its middle where it is small. Where there is no room at
 * all, the first that are in the network.
 */
function freeAddresses(
  { cidr = "", gateway, boards }: NewSite,
  count: number,
): { readonly address: string; readonly range: string; readonly room: number } {
  const network = parseCidr(cidr);
  if (!("value" in network)) return { address: "", range: "", room: count };
  const { first, last } = network.value;
  const taken = new Set([gateway, ...boards.map(({ keys }) => keys.address)].flatMap(asNumber));
  const usual = first + (last - first >= 255 ? 100 : Math.floor((last - first) / 2));
  for (let length = count; length >= 1; length--) {
    for (let start = usual; start + length < last; start++) {
      const block = Array.from({ length: length + 1 }, (_, index) => start + index);
      if (block.every((address) => !taken.has(address)))
        return {
          address: numberToIpv4(start),
          range: printRange({ first: start + 1, last: start + length }),
          room: length,
        };
    }
  }
  return { address: numberToIpv4(first + 1), range: numberToIpv4(first + 2), room: 1 };
}

function asNumber(text: string | undefined): number[] {
  const address = parseIpv4(text ?? "");
  return "value" in address ? [ipv4ToNumber(address.value)] : [];
}
