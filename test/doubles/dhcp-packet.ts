// RFC 2131 section 2 and RFC 2132: only what the clients of these tests write and read.

/** Options in the order in which they are sent. */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

export const optionCodes = {
  netmask: 1,
  router: 3,
  dns: 6,
  hostname: 12,
  vendor: 43,
  requestedAddress: 50,
  overload: 52,
  messageType: 53,
  server: 54,
  wanted: 55,
  vendorClass: 60,
  clientId: 61,
  tftpServer: 66,
  architecture: 93,
  networkInterface: 94,
  guid: 97,
} as const;

export const messageTypes = { discover: 1, offer: 2, request: 3, acknowledge: 5, refuse: 6 } as const;

/** What a server answered. */
export interface DhcpReply {
  readonly type: number;
  /** The address in the IP header. */
  readonly from: string;
  /** The address for the client (yiaddr); a proxy has none to give, and sends 0.0.0.0. */
  readonly address: string;
  /** "Next server" (siaddr). */
  readonly nextServer: string;
  readonly options: DhcpOptions;
}

/** Who asks, in which exchange. */
export interface DhcpAsker {
  readonly xid: number;
  /** As `dc:a6:32:01:36:c2`. */
  readonly mac: string;
}

/** A client's message. The flag for broadcast answers is off, as in captures of Raspberry Pis (raspberrypi/firmware#1265). */
export function dhcpRequest({ xid, mac }: DhcpAsker, options: DhcpOptions): Buffer {
  const header = Buffer.alloc(headerLength);
  header.set([1, 1, 6, 0]); // BOOTREQUEST, Ethernet, with 6 bytes of address, no relay
  header.writeUInt32BE(xid, 4);
  header.set(macBytes(mac), macAt);
  header.writeUInt32BE(magicCookie, headerLength - 4);
  const body = [...options].flatMap(([code, value]) => [code, value.length, ...value]);
  return Buffer.concat([header, Buffer.from([...body, end])]);
}

/**
 * A server's answer to this asker, or undefined where the datagram is another's.
 * @throws Error when options go on in the fields for names, of which it isn't known whether Raspberry Pis look there.
 */
export function dhcpReply(datagram: Buffer, from: string, { xid, mac }: DhcpAsker): DhcpReply | undefined {
  if (datagram.length < headerLength || datagram.readUInt32BE(headerLength - 4) !== magicCookie) return undefined;
  if (datagram[0] !== 2 || datagram.readUInt32BE(4) !== xid) return undefined;
  if (!datagram.subarray(macAt, macAt + 6).equals(macBytes(mac))) return undefined;
  const options = new Map(valuesIn(datagram.subarray(headerLength)));
  if (options.has(optionCodes.overload)) throw new Error(`the answer of ${from} has options in sname or file`);
  return {
    type: options.get(optionCodes.messageType)?.[0] ?? 0,
    from,
    address: ipv4(datagram.subarray(16, 20)),
    nextServer: ipv4(datagram.subarray(20, 24)),
    options,
  };
}

/**
 * Code, length and value, one after the other: options are written so, and what PXE has in option 43. What is cut off
 * is left out, for in option 43 any vendor may have anything.
 */
export function* valuesIn(bytes: Uint8Array): Generator<[code: number, value: Uint8Array]> {
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] ?? end;
    if (code === end) return;
    if (code === pad) at++;
    else {
      const next = at + 2 + (bytes[at + 1] ?? 0);
      if (next > bytes.length) return;
      yield [code, bytes.subarray(at + 2, next)];
      at = next;
    }
  }
}

/** The addresses that an option holds. */
export function addressesIn(value: Uint8Array | undefined): string[] {
  const bytes = value ?? new Uint8Array();
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => ipv4(bytes.subarray(index * 4)));
}

export function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

export function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}

function ipv4(bytes: Uint8Array): string {
  return bytes.subarray(0, 4).join(".");
}

const headerLength = 240;
const macAt = 28;
const magicCookie = 0x63825363;
const pad = 0;
const end = 255;
