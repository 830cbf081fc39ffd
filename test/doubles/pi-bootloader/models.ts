/** Boards that boot from the network by the bootloader in their EEPROM. */
export type PiModel = "pi4b" | "pi400" | "cm4" | "pi5" | "cm5" | "pi500";

/** What a bootloader knows about the board that it is on. */
export interface ModelFacts {
  readonly chip: 2711 | 2712;
  /** Device tree that the firmware looks for. */
  readonly deviceTree: string;
  /** Filters of config.txt that are true on it (reference §1.4). */
  readonly filters: readonly string[];
}

/** By reference §2.3, §2.4 and §1.4; the Pi 500's device tree is named as in the Raspberry Pi kernel. */
export const models: Readonly<Record<PiModel, ModelFacts>> = {
  pi4b: { chip: 2711, deviceTree: "bcm2711-rpi-4-b.dtb", filters: ["pi4"] },
  pi400: { chip: 2711, deviceTree: "bcm2711-rpi-400.dtb", filters: ["pi4", "pi400"] },
  cm4: { chip: 2711, deviceTree: "bcm2711-rpi-cm4.dtb", filters: ["pi4", "cm4"] },
  pi5: { chip: 2712, deviceTree: "bcm2712-rpi-5-b.dtb", filters: ["pi5"] },
  cm5: { chip: 2712, deviceTree: "bcm2712-rpi-cm5-cm5io.dtb", filters: ["pi5", "cm5"] },
  pi500: { chip: 2712, deviceTree: "bcm2712-rpi-500.dtb", filters: ["pi5", "pi500"] },
};

/** Bytes of the flash chip, and so of each image for it (reference §3.1). */
export const eepromSize = { 2711: 524_288, 2712: 2_097_152 } as const;
