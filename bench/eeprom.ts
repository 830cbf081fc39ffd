import { printBootConf } from "../formats/bootconf.ts";
import { eepromFile, readEepromImage, replaceEepromFile } from "../formats/eeprom-image.ts";
import { ab2712 } from "../test/formats/eeprom-samples.ts";
import type { Figure } from "./table.ts";

/** Putting settings into the largest kind of bootloader image, 2 MiB, and reading them back. */
export function eepromFigures(runs: number): Figure[] {
  const config = Buffer.from(printBootConf({ BOOT_ORDER: ["network", "sd", "restart"], BOOT_UART: true }));
  const values = Array.from({ length: runs }, () => {
    const started = performance.now();
    const image = readEepromImage(replaceEepromFile(ab2712.bytes, "bootconf.txt", config));
    if (eepromFile(image, "bootconf.txt")?.length !== config.length) throw new Error("the settings are not there");
    return performance.now() - started;
  });
  return [{ name: "edit a bootloader image", unit: "ms", target: 20, values }];
}
