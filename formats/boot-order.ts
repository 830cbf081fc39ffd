import { type Chip, type PiModel, piModels } from "./raspberry-pi.ts";

/** A value read from text, or what is wrong with the text and what would be right. */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

interface Mode {
  readonly digit: string;
  /** The boards that lack it. */
  readonly missingOn?: readonly PiModel[];
  /** The bootloader's release that brought it. */
  readonly since?: string;
}

/** What a board can try, with the hex digits of BOOT_ORDER (reference "Raspberry Pi boot" §1.2). */
const modes = {
  /** The SD card, or the eMMC of a compute module. */
  sd: { digit: "1" },
  /** TFTP over the wired on-board Ethernet. */
  network: { digit: "2" },
  /** Waits for a PC at the USB-C port, without end. */
  rpiboot: { digit: "3", since: "2025-08-27" },
  usb: { digit: "4", since: "2020-09-03" },
  /** Mass storage at the USB-C port of the Pi 4 family. */
  "bcm-usb": { digit: "5", since: "2020-11-24", missingOn: modelsWith("2712") },
  nvme: { digit: "6", since: "2021-03-04", missingOn: ["pi4b", "pi400"] },
  /** A signed image over HTTP. */
  http: { digit: "7", since: "2022-03-10" },
  stop: { digit: "e" },
  /** Begins again with the first. */
  restart: { digit: "f", since: "2020-09-03" },
} as const satisfies Record<string, Mode>;

export type BootMode = keyof typeof modes;
export const bootModes = Object.keys(modes) as readonly BootMode[];

/** BOOT_ORDER is a word of 32 bits. */
const mostModes = 8;

/** What is wrong with a boot order: no modes, more than 8, or unknown ones. */
export function bootOrderProblem(order: readonly string[]): string | undefined {
  if (order.length < 1 || order.length > mostModes)
    return `a boot order has 1 to ${mostModes} modes, not ${order.length}`;
  const unknown = order.find((name) => !Object.hasOwn(modes, name));
  return unknown === undefined
    ? undefined
    : `${JSON.stringify(unknown)} is no boot mode; the modes are ${bootModes.join(", ")}`;
}

/**
 * The hex word of BOOT_ORDER for modes in the order in which they are tried: the bootloader reads it from right to
 * left, so `["network", "sd", "restart"]` is `0xf12`. Throws where `bootOrderProblem` finds one.
 */
export function encodeBootOrder(order: readonly BootMode[]): string {
  const problem = bootOrderProblem(order);
  if (problem !== undefined) throw new Error(problem);
  return `0x${[...order]
    .reverse()
    .map((name) => modes[name].digit)
    .join("")}`;
}

/** The modes of a hex word such as `0xf12`, in the order in which they are tried. */
export function decodeBootOrder(text: string): Reading<readonly BootMode[]> {
  if (!/^0x[0-9a-f]{1,8}$/i.test(text)) {
    return { problem: `${text} is no boot order; write 0x and 1 to ${mostModes} hex digits, as in 0xf12` };
  }
  const digits = text
    .slice(2)
    .toLowerCase()
    .replace(/^0+(?=.)/, ""); // the word is a number: 0x0f12 is 0xf12
  const order: BootMode[] = [];
  for (const digit of [...digits].reverse()) {
    const mode = bootModes.find((name) => modes[name].digit === digit);
    if (mode === undefined) {
      const why = digit === "0" ? "is deprecated (it waits for an SD card)" : "stands for no boot mode";
      return { problem: `the digit ${digit} of ${text} ${why}; use ${digit === "0" ? "1" : "one of 1 to 7, e and f"}` };
    }
    order.push(mode);
  }
  return { value: order };
}

/**
 * What in a boot order will not do what it says on a board of this model, each with the way out. `release` is the date
 * of the bootloader that will read it, such as `2026-05-17`; without it the modes' age is not looked at.
 */
export function bootOrderWarnings(order: readonly BootMode[], model: PiModel, release?: string): readonly string[] {
  const warnings: string[] = [];
  for (const name of new Set(order)) {
    const { missingOn, since }: Mode = modes[name];
    if (missingOn?.includes(model)) {
      warnings.push(`a ${piModels[model].title} cannot boot from "${name}"; remove it`);
    }
    if (since !== undefined && release !== undefined && release < since) {
      warnings.push(`"${name}" needs a bootloader of ${since} or later, and this one is of ${release}`);
    }
  }
  const end = order.findIndex((name) => name === "stop" || name === "restart");
  if (end < 0) warnings.push(`the last mode is "${order.at(-1)}"; end with "restart", or with "stop"`);
  const reachable = end < 0 ? order : order.slice(0, end);
  const waiting = reachable.indexOf("rpiboot");
  if (waiting >= 0 && waiting < reachable.length - 1) {
    warnings.push(
      `"rpiboot" waits without end, so "${reachable[waiting + 1]}" is never tried; put "rpiboot" behind it`,
    );
  }
  if (end >= 0 && end < order.length - 1) {
    warnings.push(`"${order[end + 1]}" stands behind "${order[end]}" and is never tried; put "${order[end]}" last`);
  }
  return warnings;
}

/** The models with this chip. */
export function modelsWith(chip: Chip): readonly PiModel[] {
  return (Object.keys(piModels) as PiModel[]).filter((model) => piModels[model].chip === chip);
}
