import { isIPv4 } from "node:net";
import { type DhcpExchange, dhcpLease, firstWithAddress, type Lease } from "./dhcp-client.ts";
import { addressesIn, type DhcpOptions, type DhcpReply, macBytes, optionCodes, valuesIn } from "./dhcp-packet.ts";
import type { Bootconf } from "./pi-bootloader/eeprom.ts";
import { models, type PiModel } from "./pi-bootloader/models.ts";

/** A board as DHCP servers see it. */
export interface PiDhcp {
  readonly model: PiModel;
  /** 16 hex digits, as /proc/cpuinfo shows them. */
  readonly serial: string;
  /** As `dc:a6:32:01:36:c2`. */
  readonly mac: string;
  /** The code in /proc/cpuinfo, as a number. */
  readonly revision: number;
  readonly bootconf?: Bootconf;
}

/** What came of it; the offers are in the order in which they came. */
export type PiDhcpOutcome = Pick<DhcpExchange, "discovers"> & { readonly offers: readonly JudgedOffer[] } & (
    | {
        readonly kind: "bound";
        readonly lease: Lease;
        /** Where it asks for its files. */
        readonly server: string;
      }
    /** DHCP_TIMEOUT is over; next is BOOT_ORDER's next digit. */
    | { readonly kind: "failed" }
  );

export type JudgedOffer = {
  readonly from: string;
  readonly address?: string;
  /** As hex digits by code. */
  readonly options: Readonly<Record<number, string>>;
} & BootServer;

/** The TFTP server of an offer, or why the bootloader finds none in it. */
export type BootServer = { readonly server: string } | { readonly why: string };

/** Asks for an address and a TFTP server over real UDP, as the bootloader in the EEPROM does (reference §2.1). */
export async function piDhcp(board: PiDhcp): Promise<PiDhcpOutcome> {
  const { bootconf = {} } = board;
  const serverIn = (offers: readonly DhcpReply[]) => {
    if (bootconf.TFTP_IP !== undefined) return bootconf.TFTP_IP;
    return offers.map((offer) => bootServerIn(offer, bootconf)).find((found) => "server" in found)?.server;
  };
  const options = piOptions(board);
  const { discovers, offers, lease } = await dhcpLease({
    mac: board.mac,
    discover: new Map([...options, [optionCodes.vendorClass, vendorClass]]),
    request: options,
    choose: (offers) => {
      if (serverIn(offers) === undefined) return undefined;
      // The server may come from a proxy, which has no address to give: that is another's, then.
      const taken = offers.filter(
        (offer) => bootconf.TFTP_IP !== undefined || "server" in bootServerIn(offer, bootconf),
      );
      return firstWithAddress(taken) ?? firstWithAddress(offers);
    },
    timeout: Math.max(5000, Number(bootconf.DHCP_TIMEOUT ?? 45_000)),
    resendAfter: Math.max(500, Number(bootconf.DHCP_REQ_TIMEOUT ?? 4000)),
  });
  const judged = offers.map((offer) => ({
    from: offer.from,
    ...(offer.address === "0.0.0.0" ? {} : { address: offer.address }),
    ...bootServerIn(offer, bootconf),
    options: Object.fromEntries([...offer.options].map(([code, value]) => [code, Buffer.from(value).toString("hex")])),
  }));
  const server = serverIn(offers);
  if (lease === undefined || server === undefined) return { kind: "failed", discovers, offers: judged };
  return { kind: "bound", lease, server, discovers, offers: judged };
}

/**
 * Finds the TFTP server in an offer (reference §2.1): the sender, if a menu in option 43 has the right text, or the
 * address in digits that is option 66. Next server and boot file name count for nothing. What isn't known of boards
 * doesn't pass for a server: which one they ask if an offer names two, and whether they look over the NUL that dnsmasq
 * puts behind option 66 (suspected not to, raspberrypi/firmware#871).
 */
export function bootServerIn({ options, nextServer, from }: DhcpReply, bootconf: Bootconf = {}): BootServer {
  const { PXE_OPTION43: text = "Raspberry Pi Boot" } = bootconf;
  const named = new Set<string>();
  if (menuTexts(options.get(optionCodes.vendor)).some((entry) => entry.includes(text))) {
    named.add(addressesIn(options.get(optionCodes.server))[0] ?? from);
    if (nextServer !== "0.0.0.0") named.add(nextServer);
  }
  const option66 = Buffer.from(options.get(optionCodes.tftpServer) ?? []).toString("latin1");
  if (isIPv4(option66)) named.add(option66);
  const [server, ...others] = named;
  if (others.length > 0) return { why: `it names ${[...named].join(" and ")}` };
  if (server !== undefined) return { server };
  if (option66 !== "") return { why: `option 66 is ${JSON.stringify(option66)}, and not an address in digits` };
  return { why: `no option 66, and no ${JSON.stringify(text)} in option 43` };
}

/** The texts of the PXE boot menu: suboption 9 is a list of type (2 bytes), length (1) and text. */
function menuTexts(vendor: Uint8Array = new Uint8Array()): string[] {
  const texts: string[] = [];
  for (const [code, menu] of valuesIn(vendor)) {
    if (code !== bootMenu) continue;
    for (let at = 0; at + 3 <= menu.length; ) {
      const next = at + 3 + (menu[at + 2] ?? 0);
      texts.push(Buffer.from(menu.subarray(at + 3, next)).toString("latin1"));
      at = next;
    }
  }
  return texts;
}

/** What DISCOVER and REQUEST have in common; the vendor class is in DISCOVER alone. */
function piOptions(board: PiDhcp): DhcpOptions {
  return new Map<number, Uint8Array>([
    [optionCodes.wanted, Uint8Array.of(1, 3, 43, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135)],
    [optionCodes.architecture, Uint8Array.of(0, 0)],
    [optionCodes.networkInterface, Uint8Array.of(1, 2, 1)],
    [optionCodes.guid, guidOf(board)],
  ]);
}

/** Option 97: which kind of identifier it is (0), then magic, revision, end of the MAC and of the serial number. */
function guidOf({ model, serial, mac, revision }: PiDhcp): Buffer {
  const guid = Buffer.alloc(17);
  guid.write(models[model].chip === 2711 ? "RPi4" : "RPi5", 1, "latin1");
  guid.writeUInt32LE(revision, 5);
  guid.set(macBytes(mac).subarray(2), 9);
  guid.writeUInt32LE(Number(`0x${serial.slice(-8)}`), 13);
  return guid;
}

const vendorClass = Buffer.from("PXEClient:Arch:00000:UNDI:002001", "latin1");
const bootMenu = 9;
