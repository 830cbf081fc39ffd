import { createHash } from "node:crypto";
import type { BootOutcome, PiBoot } from "../pi-bootloader.ts";
import type { Folder } from "../tftp-folder.ts";

/** A Pi 4 and a Pi 5 that boot from the network alone; what is left is the server. */
export const boards = {
  pi4: { model: "pi4b", serial: "100000009ffefdef", mac: "dc:a6:32:01:36:c2", bootconf: { BOOT_ORDER: "0xf2" } },
  pi5: { model: "pi5", serial: "8d5a1c0be512421f", mac: "d8:3a:dd:98:09:77", bootconf: { BOOT_ORDER: "0xf2" } },
} as const satisfies Record<string, Omit<PiBoot, "server">>;

/** What a Pi 4 needs, in one folder (reference §2.5), with the names that stand in its config.txt. */
export const pi4Files = {
  "config.txt": "arm_64bit=1\nkernel=vmlinuz\ninitramfs initrd,more followkernel\ndtoverlay=disable-bt,a=b\n",
  "cmdline.txt": "console=serial0,115200 quiet\n",
  "start4.elf": bytes(3000, "start"),
  "fixup4.dat": bytes(500, "fixup"),
  "bcm2711-rpi-4-b.dtb": bytes(2000, "dtb"),
  "overlays/disable-bt.dtbo": bytes(100, "overlay"),
  initrd: bytes(2048, "initrd"), // a whole number of blocks
  more: bytes(10, "more"),
  vmlinuz: bytes(5000, "kernel"),
} satisfies Folder;

/** What a Pi 5 needs; its kernel has the name that it looks for. */
export const pi5Files = {
  "config.txt": "initramfs initrd followkernel\n",
  "cmdline.txt": "console=ttyAMA10,115200\n",
  "bcm2712-rpi-5-b.dtb": bytes(2000, "dtb"),
  "overlays/bcm2712d0.dtbo": bytes(100, "d0"),
  initrd: bytes(1468, "initrd"), // one whole block
  "kernel8.img": bytes(5000, "kernel"),
} satisfies Folder;

/** Bytes that are the same each time and differ by name. */
export function bytes(length: number, name: string): Buffer {
  return Buffer.alloc(length, createHash("sha512").update(name).digest());
}

export function booted(outcome: BootOutcome): Extract<BootOutcome, { kind: "booted" }> {
  if (outcome.kind === "booted") return outcome;
  throw new Error(`it did not boot: ${JSON.stringify(outcome, undefined, 1)}`);
}

export function failed(outcome: BootOutcome): Extract<BootOutcome, { kind: "failed" }> {
  if (outcome.kind === "failed") return outcome;
  throw new Error(`it did not fail: ${JSON.stringify(outcome.requests)}`);
}

/** What was asked for below the prefix and how it ended, unless it was found; a repetition is no news. */
export function sequence(requests: BootOutcome["requests"], prefix: string): string[] {
  const words = requests
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ kind, name, result }) => `${kind} ${name.slice(prefix.length)}${result === "found" ? "" : ` ${result}`}`);
  return words.filter((word, index) => word !== words[index - 1]);
}
