import { checkedIpv4, checkedNumber, checkedPath } from "./server-values.ts";

/** What dnsmasq does on a boot server: TFTP always, DHCP as the site has it. */
export interface DnsmasqConf {
  /** The server's address on the boards' network. */
  readonly address: string;
  /** The folder with the boards' boot folders. */
  readonly tftpRoot: string;
  readonly pidFile: string;
  readonly dhcp: BootDhcp;
}

export type BootDhcp =
  /** The user's router gives addresses, and boards know the server by other means (TFTP_IP, or the router's option 66). */
  | { readonly mode: "router" }
  /** The user's router gives addresses; dnsmasq adds to its answers where boards find their files. */
  | { readonly mode: "proxy"; readonly network: BootNetwork; readonly boards: readonly { readonly mac: string }[] }
  /** dnsmasq is the only DHCP server of the network. */
  | {
      readonly mode: "own";
      readonly network: BootNetwork;
      readonly gateway?: string;
      readonly dns: readonly string[];
      /** Addresses for machines that are no boards of the site; without them, these get none. */
      readonly leases?: { readonly first: string; readonly last: string };
      readonly leaseFile: string;
      readonly boards: readonly { readonly mac: string; readonly address: string; readonly hostname: string }[];
    };

export interface BootNetwork {
  /** The network's own address: `10.20.0.0`. */
  readonly address: string;
  readonly prefixLength: number;
}

/** The text in a DHCP offer by which a Raspberry Pi knows its boot server (reference "Raspberry Pi boot" §2.1). */
const menuText = "Raspberry Pi Boot";
/** A board has one transfer open, two for a moment; the default of 50 makes others wait until they give up. */
const mostTransfers = 1000;
const leaseTime = "12h";
/** What dnsmasq calls a machine that is a board of the site. */
const boardTag = "board";

/**
 * The text of a configuration for dnsmasq 2.85 and later (dnsmasq(8)). Throws if a value cannot stand in it, naming
 * the field. Blocks of any size are negotiated, since Raspberry Pis ignore config.txt of a server that does not.
 */
export function dnsmasqConf({ address, tftpRoot, pidFile, dhcp }: DnsmasqConf): string {
  const lines = [
    "# Written by Bramble; changes are overwritten.",
    `pid-file=${checkedPath("pidFile", pidFile)}`,
    "",
    "# No DNS, and only this address, also if it comes up later: other servers of this machine stay as they are.",
    "port=0",
    "no-hosts",
    "no-resolv",
    "bind-dynamic",
    `listen-address=${checkedIpv4("address", address)}`,
    "",
    "enable-tftp",
    `tftp-root=${checkedPath("tftpRoot", tftpRoot)}`,
    `tftp-max=${mostTransfers}`,
    ...dhcpLines(dhcp),
  ];
  return `${lines.join("\n")}\n`;
}

function dhcpLines(dhcp: BootDhcp): string[] {
  switch (dhcp.mode) {
    case "router":
      return [];
    case "proxy":
      return [
        "",
        "# The router gives addresses. Boards of the site are told that their files are here; nobody else is answered.",
        `dhcp-range=${networkAddress(dhcp.network)},proxy,${netmask(dhcp.network)}`,
        ...dhcp.boards.map(({ mac }, index) => `dhcp-mac=set:${boardTag},${checkedMac(`boards.${index}.mac`, mac)}`),
        `dhcp-ignore=tag:!${boardTag}`,
        bootMenu,
      ];
    case "own":
      return [
        "",
        "# The only DHCP server of this network.",
        "dhcp-authoritative",
        `dhcp-leasefile=${checkedPath("leaseFile", dhcp.leaseFile)}`,
        dynamicRange(dhcp),
        // Without a value: dnsmasq would name itself.
        ["dhcp-option=option:router", ...optionalIpv4("gateway", dhcp.gateway)].join(","),
        ["dhcp-option=option:dns-server", ...dhcp.dns.map((server, at) => checkedIpv4(`dns.${at}`, server))].join(","),
        // Bootloader and system ask with different client identifiers, and are to have the same address.
        ...dhcp.boards.map(
          ({ mac, address, hostname }, index) =>
            `dhcp-host=${checkedMac(`boards.${index}.mac`, mac)},id:*,set:${boardTag},${checkedIpv4(`boards.${index}.address`, address)},${checkedHostname(`boards.${index}.hostname`, hostname)}`,
        ),
        bootMenu,
      ];
  }
}

/** Boot service 0 with this text is the option 43 that boards accept; the sender of the offer is the TFTP server. */
const bootMenu = `pxe-service=tag:${boardTag},0,"${menuText}"`;

function dynamicRange({ network, leases }: BootDhcp & { readonly mode: "own" }): string {
  if (leases === undefined) return `dhcp-range=${networkAddress(network)},static,${netmask(network)},${leaseTime}`;
  const first = checkedIpv4("leases.first", leases.first);
  const last = checkedIpv4("leases.last", leases.last);
  return `dhcp-range=${first},${last},${netmask(network)},${leaseTime}`;
}

function optionalIpv4(field: string, address: string | undefined): string[] {
  return address === undefined ? [] : [checkedIpv4(field, address)];
}

function networkAddress({ address }: BootNetwork): string {
  return checkedIpv4("network.address", address);
}

function netmask({ prefixLength }: BootNetwork): string {
  const bits = checkedNumber("network.prefixLength", prefixLength, 8, 30);
  const mask = (0xffffffff << (32 - bits)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join(".");
}

function checkedMac(field: string, mac: string): string {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return mac;
  throw new Error(`${field}: ${JSON.stringify(mac)} is not a MAC address: write it as dc:a6:32:01:36:c2`);
}

function checkedHostname(field: string, hostname: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(hostname)) return hostname;
  throw new Error(`${field}: ${JSON.stringify(hostname)} is not a host name: use lower-case letters, digits and -`);
}
