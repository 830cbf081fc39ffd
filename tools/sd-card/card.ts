import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type ArtifactLock, lockedFile } from "../../formats/artifact-lock.ts";
import { printBootConf } from "../../formats/bootconf.ts";
import { readEepromImage, replaceEepromFile, requireChip } from "../../formats/eeprom-image.ts";
import { eepromSignature, printEepromSignature } from "../../formats/eeprom-signature.ts";
import { piModels } from "../../formats/raspberry-pi.ts";
import { cachedPath, cacheOf } from "../artifacts/cache.ts";
import { readLock } from "../artifacts/lock-file.ts";
import { unlessAbsent } from "../lib/files.ts";
import { readme, readmeName } from "./readme.ts";
import type { WantedCard } from "./wanted.ts";

/** The content of an SD card that sets a board's bootloader. */
export interface Card {
  readonly wanted: WantedCard;
  /** The bootloader's version, as the lock has it. */
  readonly version: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What files on it are dated, in seconds since 1970, so that the same card is always the same bytes. */
  readonly time: number;
}

/** The day of the first Raspberry Pi 4: no bootloader is older. In seconds since 1970. */
const beforeAll = Date.UTC(2019, 5, 24) / 1000;

/**
 * Makes a card from what the lock of a project folder pins (reference "Raspberry Pi boot" §3.6). The image is called
 * pieeprom.bin: with pieeprom.upd, recovery.bin would show no success, and rename itself on the card, which then does
 * nothing on the next board.
 * @throws Error when a pinned file is missing or damaged, with the command that gets it
 */
export async function makeCard(project: string, wanted: WantedCard): Promise<Card> {
  const lock = await readLock(project);
  const { chip } = piModels[wanted.model];
  const [image, recovery] = await Promise.all([
    readPinned(project, lock, `pi-eeprom-${chip}`),
    readPinned(project, lock, `pi-recovery-${chip}`),
  ]);
  const original = readEepromImage(image.bytes);
  requireChip(original, chip);
  const config = printBootConf(wanted.settings);
  const edited = replaceEepromFile(image.bytes, "bootconf.txt", Buffer.from(config));
  // Below all updates that the boot server ever offers: what a card has written must not keep the board from those.
  const time = original.release.buildTimestamp ?? beforeAll;
  const signature = printEepromSignature(eepromSignature(readEepromImage(edited), time));
  return {
    wanted,
    version: image.version,
    files: {
      [readmeName]: Buffer.from(readme(wanted, image.version, config)),
      "recovery.bin": recovery.bytes,
      "pieeprom.bin": edited,
      "pieeprom.sig": Buffer.from(signature),
    },
    time,
  };
}

async function readPinned(
  project: string,
  lock: ArtifactLock,
  name: string,
): Promise<{ readonly bytes: Uint8Array; readonly version: string }> {
  const { sha256 } = lockedFile(lock, name);
  const version = lock.artifacts[name]?.version ?? "";
  const bytes = await readFile(cachedPath(cacheOf(project), { sha256 })).catch(unlessAbsent);
  if (bytes === undefined)
    throw new Error(
      `${name} ${version} is not on this machine yet: run \`npm run bramble -- artifacts fetch ${name}\``,
    );
  if (createHash("sha256").update(bytes).digest("hex") !== sha256)
    throw new Error(
      `${name} ${version} on this machine is damaged: run \`npm run bramble -- artifacts verify\`, which removes it, and ` +
        `then \`npm run bramble -- artifacts fetch ${name}\``,
    );
  return { bytes, version };
}
