import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  addressesIn,
  type DhcpOptions,
  type DhcpReply,
  dhcpReply,
  dhcpRequest,
  ipv4Bytes,
  messageTypes,
  optionCodes,
} from "./dhcp-packet.ts";

export interface DhcpClient {
  /** As `dc:a6:32:01:36:c2`. Answers are sent to it, so the interface must have it. */
  readonly mac: string;
  /** Options of DISCOVER besides its type. */
  readonly discover: DhcpOptions;
  /** Options of REQUEST besides its type, and address and server of the offer that it takes. */
  readonly request: DhcpOptions;
  /** The offer whose address is taken, or undefined to go on asking. Without it, the first that has one. */
  readonly choose?: (offers: readonly DhcpReply[]) => DhcpReply | undefined;
  /** Milliseconds that the whole exchange may take. */
  readonly timeout: number;
  /** Milliseconds between two of the same message. */
  readonly resendAfter: number;
}

export interface DhcpExchange {
  /** How often it asked for offers. */
  readonly discovers: number;
  readonly offers: readonly DhcpReply[];
  /** What it got; without one, time was up. */
  readonly lease?: Lease;
}

export interface Lease {
  /** Who gave it, by option 54. */
  readonly from: string;
  readonly address: string;
  readonly netmask: string;
  readonly gateway?: string;
  readonly dns: readonly string[];
  readonly hostname?: string;
}

/**
 * Asks for an address by DHCP (RFC 2131 section 3.1) on an interface that has none: what it sends comes from 0.0.0.0.
 * Run it on a station that hears whatever is sent to its MAC (private-lan.ts).
 * @throws Error when a server takes back its offer.
 */
export async function dhcpLease(client: DhcpClient): Promise<DhcpExchange> {
  const asker = { xid: randomInt(2 ** 32), mac: client.mac };
  const socket = createSocket("udp4");
  const offers: DhcpReply[] = [];
  let discovers = 0;
  let chosen: DhcpReply | undefined;
  let resend: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  try {
    socket.bind(clientPort);
    await once(socket, "listening");
    socket.setBroadcast(true);
    return await new Promise<DhcpExchange>((resolve, reject) => {
      const say = () => {
        if (chosen === undefined) discovers++;
        const options = chosen === undefined ? discover(client.discover) : request(client.request, chosen);
        socket.send(dhcpRequest(asker, options), serverPort, "255.255.255.255", (error) => {
          if (error !== null) reject(error);
        });
      };
      const hear = (reply: DhcpReply) => {
        if (reply.type === messageTypes.offer && chosen === undefined) {
          offers.push(reply);
          chosen = (client.choose ?? firstWithAddress)(offers);
          if (chosen === undefined) return;
          resend?.refresh();
          say();
        } else if (chosen !== undefined && reply.from === chosen.from) {
          if (reply.type === messageTypes.acknowledge) resolve({ discovers, offers, lease: leaseIn(reply) });
          if (reply.type === messageTypes.refuse) reject(new Error(`${reply.from} takes back its offer`));
        }
      };
      socket.on("error", reject);
      socket.on("message", (datagram, { address }) => {
        try {
          const reply = dhcpReply(datagram, address, asker);
          if (reply !== undefined) hear(reply);
        } catch (error) {
          reject(error);
        }
      });
      resend = setInterval(say, client.resendAfter);
      deadline = setTimeout(() => resolve({ discovers, offers }), client.timeout);
      say();
    });
  } finally {
    clearInterval(resend);
    clearTimeout(deadline);
    socket.close();
  }
}

/** Asks as the operating system on a board does, or any other machine, and takes the first address. */
export async function systemLease(system: {
  readonly mac: string;
  /** Hex digits; systemd-networkd and dhcpcd have others than the bootloader, which sends none. */
  readonly clientId: string;
  /** Milliseconds. */
  readonly timeout: number;
}): Promise<Pick<DhcpExchange, "lease">> {
  const { netmask, router, dns, hostname, wanted, clientId } = optionCodes;
  const options = new Map<number, Uint8Array>([
    [clientId, Buffer.from(system.clientId, "hex")],
    [wanted, Uint8Array.of(netmask, router, dns, hostname)],
  ]);
  const { mac, timeout } = system;
  const { lease } = await dhcpLease({ mac, discover: options, request: options, timeout, resendAfter: 1000 });
  return lease === undefined ? {} : { lease };
}

/** The first offer that has an address; a proxy's has none. */
export function firstWithAddress(offers: readonly DhcpReply[]): DhcpReply | undefined {
  return offers.find(({ address }) => address !== "0.0.0.0");
}

function discover(options: DhcpOptions): DhcpOptions {
  return new Map([[optionCodes.messageType, Uint8Array.of(messageTypes.discover)], ...options]);
}

function request(options: DhcpOptions, offer: DhcpReply): DhcpOptions {
  return new Map([
    [optionCodes.messageType, Uint8Array.of(messageTypes.request)],
    [optionCodes.requestedAddress, ipv4Bytes(offer.address)],
    [optionCodes.server, offer.options.get(optionCodes.server) ?? ipv4Bytes(offer.from)],
    ...options,
  ]);
}

function leaseIn({ address, from, options }: DhcpReply): Lease {
  const addresses = (code: number) => addressesIn(options.get(code));
  const [gateway] = addresses(optionCodes.router);
  const hostname = options.get(optionCodes.hostname);
  return {
    from: addresses(optionCodes.server)[0] ?? from,
    address,
    netmask: addresses(optionCodes.netmask)[0] ?? "",
    ...(gateway === undefined ? {} : { gateway }),
    dns: addresses(optionCodes.dns),
    ...(hostname === undefined ? {} : { hostname: Buffer.from(hostname).toString("latin1") }),
  };
}

const clientPort = 68;
const serverPort = 67;
