import { run, tryRun } from "../../lib/run.ts";
import { libvirtAnswers, virsh, virshNames } from "./virsh.ts";

/** IPv4 addresses that something on this machine holds. */
export interface TakenRange {
  /** First and last address, as numbers. */
  first: number;
  last: number;
  /** As it is written where it was found: "192.168.122.1/24". */
  text: string;
  /** Who holds it, for a message: "interface virbr0 (libvirt network default)". */
  holder: string;
  /** The interface and libvirt network, to tell one's own from others'. */
  interface?: string;
  network?: string;
}

/** The address range is in use on this machine, and so are the ones that could take its place. */
export class RangeTakenError extends Error {
  override readonly name = "RangeTakenError";
}

/** All IPv4 ranges that interfaces, routes and libvirt's networks (running or not) of this machine hold. */
export async function takenRanges(): Promise<TakenRange[]> {
  const networks = (await libvirtAnswers()) ? await libvirtNetworks() : [];
  const addresses = parseAddresses((await run(["ip", "-j", "-4", "addr", "show"])).stdout);
  // `table all` fails on kernels without policy routing; the main table then is all there is.
  const all = await tryRun(["ip", "-j", "-4", "route", "show", "table", "all"]);
  const routes = parseRoutes(all.code === 0 ? all.stdout : (await run(["ip", "-j", "-4", "route", "show"])).stdout);
  return [...networks, ...nameNetworks([...addresses, ...routes], networks)];
}

/** Who holds part of the range (`10.20.0.0/24`), without the libvirt network that is one's own. */
export function holdersOf(range: string, taken: readonly TakenRange[], ownNetwork?: string): TakenRange[] {
  const wanted = parseRange(range);
  const own = taken.find(({ network }) => network !== undefined && network === ownNetwork);
  return taken.filter((other) => {
    const isOwn = own !== undefined && (other.network === ownNetwork || other.interface === own.interface);
    return !isOwn && other.first <= wanted.last && wanted.first <= other.last;
  });
}

/**
 * The preferred range where it is free, else the first free candidate.
 * @throws RangeTakenError that names who holds what when none is free.
 */
export function pickRange(
  preferred: string,
  candidates: readonly string[],
  taken: readonly TakenRange[],
  ownNetwork?: string,
): string {
  const wanted = [preferred, ...candidates];
  const free = wanted.find((range) => holdersOf(range, taken, ownNetwork).length === 0);
  if (free !== undefined) return free;
  const lines = wanted.map((range) => `  ${range}: ${describeHolders(holdersOf(range, taken, ownNetwork))}`);
  throw new RangeTakenError(
    `every address range that the lab could use is in use on this machine:\n${lines.join("\n")}\n` +
      "Take one of these down, or name a free range for the lab.",
  );
}

/** For a message: "interface eth0 (192.0.2.2/24), route 10.0.0.0/8 by tun0". Who is named twice is named once. */
export function describeHolders(holders: readonly TakenRange[]): string {
  const names = new Map(holders.map(({ holder, text }) => [holder, `${holder} (${text})`]));
  return [...names.values()].join(", ");
}

/** Reads `ip -j -4 addr show`. */
export function parseAddresses(json: string): TakenRange[] {
  return listOf(json).flatMap((link) => {
    const name = textOf(link, "ifname");
    const addresses = Reflect.get(link, "addr_info");
    if (!Array.isArray(addresses)) return [];
    return addresses.map((address) => {
      const text = `${textOf(address, "local")}/${Reflect.get(address, "prefixlen")}`;
      return { ...parseRange(text), text, holder: `interface ${name}`, interface: name };
    });
  });
}

/** Reads `ip -j -4 route show`; a default route, also one in two halves as VPNs write it, leads elsewhere and holds nothing. */
export function parseRoutes(json: string): TakenRange[] {
  return listOf(json).flatMap((route) => {
    const text = textOf(route, "dst");
    const type = Reflect.get(route, "type") ?? "unicast";
    if (text === "default" || type !== "unicast" || /\/[01]$/.test(text)) return [];
    const device = textOf(route, "dev");
    return [{ ...parseRange(text), text, holder: `route by ${device}`, interface: device }];
  });
}

/** Reads the addresses out of `virsh net-dumpxml`, which libvirt prints one element per line. */
export function parseNetwork(network: string, xml: string): TakenRange[] {
  const bridge = /<bridge [^>]*name='([^']+)'/.exec(xml)?.[1];
  return [...xml.matchAll(/<ip ([^>]*)>/g)].flatMap(([, attributes = ""]) => {
    const address = /address='(\d+\.\d+\.\d+\.\d+)'/.exec(attributes)?.[1];
    const size = /(?:prefix|netmask)='([\d.]+)'/.exec(attributes)?.[1];
    if (address === undefined || size === undefined) return [];
    const text = `${address}/${size.includes(".") ? prefixOfMask(size) : size}`;
    const taken = { ...parseRange(text), text, holder: `libvirt network ${network}`, network };
    return [bridge === undefined ? taken : { ...taken, interface: bridge }];
  });
}

async function libvirtNetworks(): Promise<TakenRange[]> {
  const ranges: TakenRange[] = [];
  for (const network of await virshNames("net-list", "--all")) {
    ranges.push(...parseNetwork(network, await virsh("net-dumpxml", network)));
  }
  return ranges;
}

function nameNetworks(ranges: readonly TakenRange[], networks: readonly TakenRange[]): TakenRange[] {
  return ranges.map((range) => {
    const named = networks.find((network) => network.interface !== undefined && network.interface === range.interface);
    if (named?.network === undefined) return range;
    return { ...range, network: named.network, holder: `${range.holder} (libvirt network ${named.network})` };
  });
}

/** The whole network that an address with prefix length is in; an address alone is a range of one. */
function parseRange(text: string): { first: number; last: number } {
  const [address = "", length = "32"] = text.split("/");
  const octets = address.split(".").map(Number);
  const valid = octets.length === 4 && octets.every((octet) => octet >= 0 && octet < 256);
  const prefix = Number(length);
  if (!valid || !(prefix >= 0 && prefix <= 32))
    throw new Error(`${text} is not an IPv4 range; write it as 10.20.0.0/24`);
  const size = 2 ** (32 - prefix);
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

function prefixOfMask(mask: string): number {
  const bits = mask.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0"));
  return bits.join("").replace(/0+$/, "").length;
}

function listOf(json: string): object[] {
  const parsed: unknown = JSON.parse(json === "" ? "[]" : json);
  if (!Array.isArray(parsed)) throw new Error("`ip -j` did not print a list; is iproute2 older than 4.14?");
  return parsed;
}

function textOf(value: object, key: string): string {
  return String(Reflect.get(value, key) ?? "");
}
