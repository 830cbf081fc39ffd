import { createHash } from "node:crypto";
import { type EepromRelease, readEepromImage, replaceEepromFile, requireChip } from "../../formats/eeprom-image.ts";
import { eepromSignature, printEepromSignature } from "../../formats/eeprom-signature.ts";
import { piModels } from "../../formats/raspberry-pi.ts";
import { openArtifact } from "../transport/artifact-cache.ts";
import type { BootloaderUpdate } from "./inputs.ts";

/** The two files by which a board updates its own bootloader. */
export const updateFile = "pieeprom.upd";
export const signatureFile = "pieeprom.sig";

/** What an update is made of. */
export type Recipe = Pick<BootloaderUpdate, "image" | "model" | "config">;

export interface MadeUpdate {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly release: EepromRelease;
}

/**
 * Puts a configuration into the pinned image. @throws Error when the image is not in the cache, is damaged, is for
 * another chip, or has no room for the configuration.
 */
export async function makeUpdate({ image, model, config }: Recipe): Promise<MadeUpdate> {
  const original = await openArtifact(image);
  const { chip } = piModels[model];
  const read = readEepromImage(original);
  requireChip(read, chip);
  const bytes = replaceEepromFile(original, "bootconf.txt", Buffer.from(config));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex"), release: read.release };
}

/**
 * The contents of both files, as they are published. `time` is in seconds since 1970.
 * @throws Error also when they are not what was planned.
 */
export async function updateFiles(update: BootloaderUpdate, time: number): Promise<Record<string, Uint8Array>> {
  const { bytes, sha256 } = await makeUpdate(update);
  if (sha256 !== update.sha256)
    throw new Error(`the bootloader update comes out as ${sha256}, and ${update.sha256} was planned; run \`up\` again`);
  const signature = printEepromSignature(eepromSignature(readEepromImage(bytes), time));
  return { [updateFile]: bytes, [signatureFile]: Buffer.from(signature) };
}
