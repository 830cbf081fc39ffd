import type { Ipv4, Mac } from "./model.ts";
import { type Parsed, show } from "./problem.ts";

/** IPv4 addresses, networks and ranges as numbers, and MAC addresses. */

export const ipv4Pattern = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$";
export const cidrPattern = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}$";
export const rangePattern = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}(-[0-9]{1,3}(\\.[0-9]{1,3}){3})?$";
export const macPattern = "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$";

/** Addresses from the first to the last, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** An IPv4 network: from its own address to its broadcast address. */
export interface Cidr extends Range {
  readonly text: string;
  readonly prefixLength: number;
}

/** Every member of a range gets a line in each node's host list, so a range is for a cluster, not for a network. */
export const longestRange = 1024;

/** Reads `10.20.0.11`. Leading zeros are refused: some programs read them as octal. */
export function parseIpv4(text: string): Parsed<Ipv4> {
  const octets = text.split(".");
  if (octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)) {
    return { value: text as Ipv4 };
  }
  return { message: `${show(text)} is not an IPv4 address`, hint: addressHint(octets) };
}

/** Reads `10.20.0.0/24`: the network's own address and a prefix length from 8 to 29. */
export function parseCidr(text: string): Parsed<Cidr> {
  const [, address = "", length = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const parsed = parseIpv4(address);
  const prefixLength = Number(length);
  if (!("value" in parsed) || length === "") {
    return { message: `${show(text)} is not an IPv4 network`, hint: "write it as 10.20.0.0/24" };
  }
  if (prefixLength < 8 || prefixLength > 29) {
    return {
      message: `${show(text)} is too ${prefixLength < 8 ? "large" : "small"} a network`,
      hint: "use a prefix length from /8 to /29; a home network is mostly a /24",
    };
  }
  const size = 2 ** (32 - prefixLength);
  const first = Math.floor(ipv4ToNumber(parsed.value) / size) * size;
  const itself = `${numberToIpv4(first)}/${prefixLength}`;
  if (itself !== text)
    return { message: `${show(text)} is an address in a network`, hint: `write the network: ${itself}` };
  const kind = specialUse(first);
  if (kind !== undefined) {
    return { message: `${text} is ${kind}`, hint: "use a private network, such as 10.20.0.0/24 or 192.168.1.0/24" };
  }
  return { value: { text, prefixLength, first, last: first + size - 1 } };
}

/** Reads `10.20.0.101-10.20.0.119`, or one address as a range of one. */
export function parseRange(text: string): Parsed<Range> {
  const [from = "", to = from, ...rest] = text.split("-").map((end) => end.trim());
  const ends = [parseIpv4(from), parseIpv4(to)];
  const values = ends.map((end) => ("value" in end ? ipv4ToNumber(end.value) : undefined));
  const [first, last] = values;
  if (first === undefined || last === undefined || rest.length > 0) {
    return { message: `${show(text)} is not a range of addresses`, hint: "write it as 10.20.0.101-10.20.0.119" };
  }
  if (last < first) return { message: `${show(text)} ends before it begins`, hint: `write ${to}-${from}` };
  if (last - first >= longestRange) {
    return {
      message: `${show(text)} holds ${last - first + 1} addresses`,
      hint: `use at most ${longestRange}, as many as the group may ever grow to`,
    };
  }
  return { value: { first, last } };
}

/** Reads a MAC address, with colons or dashes and in any case; returns it lower-case with colons. */
export function parseMac(text: string): Parsed<Mac> {
  if (!new RegExp(macPattern).test(text)) {
    const digits = text.replace(/[^0-9A-Fa-f]/g, "").toLowerCase();
    const written = digits.length === 12 ? (digits.match(/../g) ?? []).join(":") : "dc:a6:32:00:00:01";
    return { message: `${show(text)} is not a MAC address`, hint: `write six pairs of hex digits: "${written}"` };
  }
  const mac = text.toLowerCase().replaceAll("-", ":");
  const group = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  if (group || mac === "00:00:00:00:00:00") {
    return {
      message: `${show(text)} is ${group ? "a group address, not that of one machine" : "no machine's address"}`,
      hint: "take the address from the board's label, or from `ip link` on it",
    };
  }
  return { value: mac as Mac };
}

export function ipv4ToNumber(address: Ipv4): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function numberToIpv4(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".") as Ipv4;
}

export function rangeSize(range: Range): number {
  return range.last - range.first + 1;
}

export function isInside(outer: Range, inner: Range): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}

export function printRange(range: Range): string {
  const first = numberToIpv4(range.first);
  return range.first === range.last ? first : `${first}-${numberToIpv4(range.last)}`;
}

function addressHint(octets: readonly string[]): string {
  if (octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet))) {
    const large = octets.find((octet) => Number(octet) > 255);
    if (large !== undefined) return `each of the four numbers is at most 255, not ${large}`;
    return `write it without leading zeros: ${octets.map(Number).join(".")}`;
  }
  return "write four numbers with dots, such as 10.20.0.11";
}

/** IANA's special-purpose blocks that no LAN can use (RFC 6890, RFC 1112). */
function specialUse(network: number): string | undefined {
  const first = network >>> 24;
  if (first === 0) return 'the "this network" block';
  if (first === 127) return "the loopback network";
  if (first === 169 && ((network >>> 16) & 255) === 254) return "the link-local network";
  if (first >= 224) return "a multicast or reserved block";
  return undefined;
}
