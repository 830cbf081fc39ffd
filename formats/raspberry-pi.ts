/** The Raspberry Pis that can boot from the network with settings in an EEPROM. */
export type PiModel = "pi4b" | "cm4" | "pi400" | "pi5" | "cm5" | "pi500";

/** The system on the chip: it decides on the EEPROM image, on the firmware files and on how a board boots. */
export type Chip = "2711" | "2712";

export interface PiModelFacts {
  readonly title: string;
  readonly chip: Chip;
  /** Firmware files that the bootloader wants from the boot folder. A 2712 has them in its EEPROM. */
  readonly firmware: readonly string[];
  /** All device trees that a board of this model may ask for: which one it is depends on its variant and stepping. */
  readonly deviceTrees: readonly string[];
  /** Overlays, without `.dtbo`, that the firmware applies by itself where they are needed. */
  readonly overlays: readonly string[];
}

/** What is true of a board because of its model (reference "Raspberry Pi boot" §2.3 to §2.5). */
export const piModels: Readonly<Record<PiModel, PiModelFacts>> = {
  pi4b: with2711("Raspberry Pi 4 Model B", "bcm2711-rpi-4-b.dtb"),
  cm4: with2711("Compute Module 4", "bcm2711-rpi-cm4.dtb"),
  pi400: with2711("Raspberry Pi 400", "bcm2711-rpi-400.dtb"),
  pi5: with2712("Raspberry Pi 5", ["bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb"]),
  // The second is asked for by the Lite variant, which has no eMMC.
  cm5: with2712("Compute Module 5", ["bcm2712-rpi-cm5-cm5io.dtb", "bcm2712-rpi-cm5l-cm5io.dtb"]),
  pi500: with2712("Raspberry Pi 500", ["bcm2712-rpi-500.dtb"]),
};

/** How a board names its boot folder (TFTP_PREFIX 0, 2 and 1). */
export type TftpPrefix =
  | { readonly kind: "serial"; readonly serial: string }
  | { readonly kind: "mac"; readonly mac: string }
  | { readonly kind: "fixed"; readonly text: string };

/** TFTP_PREFIX_STR holds 31 characters for certain, and the last is the slash. */
const longestFixedPrefix = 30;

/**
 * The name of the boot folder that the bootloader puts, with a `/`, before the files it asks for (reference "Raspberry
 * Pi boot" §6.1). Of a serial number only the last 8 hex digits count. Throws if the folder cannot have such a name.
 */
export function tftpPrefix(prefix: TftpPrefix): string {
  switch (prefix.kind) {
    case "serial": {
      const digits = prefix.serial.toLowerCase().replaceAll("_", "");
      if (!/^([0-9a-f]{8}|[0-9a-f]{16})$/.test(digits)) {
        throw new Error(
          `${JSON.stringify(prefix.serial)} is not the serial number of a Raspberry Pi: write the 8 or 16 hex digits of the line Serial in /proc/cpuinfo, with all zeros`,
        );
      }
      return digits.slice(-8);
    }
    case "mac": {
      const mac = prefix.mac.toLowerCase().replaceAll(":", "-");
      if (!/^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/.test(mac)) {
        throw new Error(`${JSON.stringify(prefix.mac)} is not a MAC address: write it as dc:a6:32:01:36:c2`);
      }
      return mac;
    }
    case "fixed": {
      const pattern = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${longestFixedPrefix - 1}}$`);
      if (!pattern.test(prefix.text)) {
        throw new Error(
          `${JSON.stringify(prefix.text)} cannot name a boot folder: use up to ${longestFixedPrefix} letters, digits, dots, dashes and underscores, beginning with a letter or a digit`,
        );
      }
      return prefix.text;
    }
  }
}

/** What a revision code says of a board. */
export interface Revision {
  /** Undefined for a model that cannot be used here, or one that is newer than this table. */
  readonly model: PiModel | undefined;
  /** Undefined where the code leaves it to the device tree. */
  readonly memoryMiB: number | undefined;
  /** The revision of the board's own design: 4 of a Pi 4B rev 1.4. */
  readonly board: number;
}

/** The type field of a revision code; 1a is the Compute Module 5 Lite. */
const modelOfType: Readonly<Record<number, PiModel>> = {
  17: "pi4b",
  19: "pi400",
  20: "cm4",
  23: "pi5",
  24: "cm5",
  25: "pi500",
  26: "cm5",
};

const memorySizesMiB: readonly number[] = [256, 512, 1024, 2048, 4096, 8192, 16384];

/**
 * Reads a revision code by its fields, so that codes newer than this program are understood too (reference "Raspberry
 * Pi boot" §6.2). Undefined for the codes of the first Pis, which have no fields. Bits for warranty and overvoltage
 * are looked over.
 */
export function decodeRevision(code: number): Revision | undefined {
  if (!Number.isInteger(code) || code < 0 || code > 0xffffffff || (code & (1 << 23)) === 0) return undefined;
  return {
    model: modelOfType[(code >>> 4) & 0xff],
    memoryMiB: memorySizesMiB[(code >>> 20) & 0x7],
    board: code & 0xf,
  };
}

function with2711(title: string, deviceTree: string): PiModelFacts {
  const firmware = ["start4.elf", "fixup4.dat"];
  return { title, chip: "2711", firmware, deviceTrees: [deviceTree], overlays: [] };
}

function with2712(title: string, deviceTrees: readonly string[]): PiModelFacts {
  return { title, chip: "2712", firmware: [], deviceTrees, overlays: ["bcm2712d0"] };
}
