import type { Bootconf, EepromState, Flashed } from "./pi-bootloader/eeprom.ts";
import { models, type PiModel } from "./pi-bootloader/models.ts";
import { BootFailure, type BootLog, filesOf, type Link, type Stage } from "./pi-bootloader/network.ts";
import type { NamedFile, OsFiles } from "./pi-bootloader/os-files.ts";
import { bootPi4 } from "./pi-bootloader/pi4.ts";
import { bootPi5 } from "./pi-bootloader/pi5.ts";
import type { TftpServer } from "./tftp-client.ts";
import type { Channel } from "./udp-channel.ts";

export type { Bootconf, EepromState, Flashed, NamedFile, OsFiles, PiModel };

/** A Raspberry Pi with an empty SD slot, whose Ethernet is plugged in. */
export interface PiBoot {
  readonly model: PiModel;
  /** 16 hex digits, as /proc/cpuinfo shows them. */
  readonly serial: string;
  /** As `dc:a6:32:01:36:c2`. */
  readonly mac: string;
  /** The TFTP server that DHCP names; the property TFTP_IP goes before it. */
  readonly server: TftpServer;
  /** The EEPROM's settings; the rest has its defaults, which do not boot from the network (reference §1.3). */
  readonly bootconf?: Bootconf;
  readonly eeprom?: EepromState;
  /** Release of the bootloader, as 2025-09-23; without one, the newest that the reference knows. */
  readonly release?: string;
  /** Of the BCM2712. */
  readonly stepping?: "c1" | "d0";
  /** Whether the USB controller has an EEPROM of its own: a Pi 4B before revision 1.4. */
  readonly hasVl805?: boolean;
  readonly channel?: Channel;
  /** Milliseconds of silence after which a packet is sent again. */
  readonly resendAfter?: number;
  /** Called before each request with the name to be asked for; the boot goes on when it is done. */
  readonly beforeRequest?: (name: string) => Promise<void> | void;
}

/** How a boot ended; the log says by which requests it came to that. */
export type BootOutcome = BootLog &
  (
    | { readonly kind: "booted"; readonly files: OsFiles & { readonly start?: NamedFile; readonly fixup?: NamedFile } }
    /** It has updated itself and reset. It boots next with these. */
    | ({ readonly kind: "flashed" } & Flashed)
    | {
        readonly kind: "failed";
        readonly why: string;
        /** What the board does then; `other` is to try a way of booting without network. */
        readonly next: "restart" | "stop" | "other" | "hang";
      }
  );

/**
 * Boots a board once from the network, over real UDP, as its firmware does from after DHCP up to the kernel's start
 * (reference raspberry-pi-boot §2 and §5). How often a file is read differs between releases of the firmware: what the
 * requests say is which files, in which order.
 */
export async function bootPi(boot: PiBoot): Promise<BootOutcome> {
  const { bootconf = {}, release = "9999" } = boot;
  const log: BootLog = { requests: [], console: [], remarks: [] };
  const order = bootconf.BOOT_ORDER ?? "0xf41";
  if (!digitsOf(order).includes("2")) {
    return { ...log, kind: "failed", why: `BOOT_ORDER ${order} has no network in it`, next: afterNetwork(order) };
  }
  const link: Link = {
    server: bootconf.TFTP_IP === undefined ? boot.server : { ...boot.server, address: bootconf.TFTP_IP },
    mac: boot.mac,
    fileTimeout: Math.max(5000, Number(bootconf.TFTP_FILE_TIMEOUT ?? 30_000)),
    rollsOver: release >= "2025-09-23",
    channel: boot.channel,
    resendAfter: boot.resendAfter,
    beforeRequest: boot.beforeRequest,
  };
  const eepromBlocks = release >= "2022-10-03" ? 1468 : 1024;
  const filesAt = (stage: Stage, prefix: string) =>
    filesOf(log, link, stage, prefix, stage === "eeprom" ? eepromBlocks : 1024);
  const board = {
    ...boot,
    bootconf,
    eeprom: boot.eeprom ?? { updateTimestamp: 0 },
    prefix: prefixOf(boot, bootconf),
    stepping: boot.stepping ?? "c1",
    hasVl805: boot.hasVl805 ?? false,
  };
  try {
    const ended = await (models[boot.model].chip === 2711 ? bootPi4 : bootPi5)(board, filesAt, log);
    return "eeprom" in ended ? { ...log, kind: "flashed", ...ended } : { ...log, kind: "booted", files: ended };
  } catch (error) {
    if (!(error instanceof BootFailure)) throw error;
    return { ...log, kind: "failed", why: error.message, next: error.hangs ? "hang" : afterNetwork(order) };
  }
}

/** The board's folder by TFTP_PREFIX (reference §6.1): by serial number, as set, or by MAC. */
function prefixOf({ serial, mac }: PiBoot, { TFTP_PREFIX = "0", TFTP_PREFIX_STR = "" }: Bootconf): string {
  if (TFTP_PREFIX === "1") return TFTP_PREFIX_STR;
  if (TFTP_PREFIX === "2") return `${mac.toLowerCase().replaceAll(":", "-")}/`;
  return `${serial.slice(-8).toLowerCase()}/`;
}

/** BOOT_ORDER's digits in the order in which they are tried. */
function digitsOf(order: string): string[] {
  return [...order.replace(/^0x/, "")].reverse();
}

function afterNetwork(order: string): "restart" | "stop" | "other" {
  const digits = digitsOf(order);
  const next = digits[digits.indexOf("2") + 1];
  if (next === "f") return "restart";
  return next === "e" || next === undefined ? "stop" : "other";
}
