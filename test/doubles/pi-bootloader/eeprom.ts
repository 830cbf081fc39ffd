import { createHash } from "node:crypto";
import { allOf, type FilterFacts, lastOf, readSettings, type Settings } from "./config-text.ts";
import { eepromSize, models, type PiModel } from "./models.ts";
import { BootFailure, type BootLog, type Files } from "./network.ts";

/** Properties of bootconf.txt by name, as they are written there. */
export type Bootconf = Readonly<Record<string, string>>;

/** What the flash chip holds, as far as it matters here. */
export interface EepromState {
  /** Seconds since 1970 of the last update. */
  readonly updateTimestamp: number;
  /** The whole image; a board that was never updated by this double has none. */
  readonly image?: Uint8Array;
}

/** The board as it is after it has updated itself and reset. */
export interface Flashed {
  readonly eeprom: EepromState & { readonly image: Uint8Array };
  readonly bootconf: Bootconf;
}

/**
 * Self-update from the network (reference §3.6): undefined where there is nothing to do.
 * @throws BootFailure when what was flashed is no bootloader: the board is bricked.
 */
export async function selfUpdate(
  files: Files,
  config: Settings,
  board: FilterFacts & { readonly bootconf: Bootconf; readonly eeprom: EepromState },
  log: BootLog,
): Promise<Flashed | undefined> {
  const { bootconf, eeprom } = board;
  if (bootconf.ENABLE_SELF_UPDATE === "0" || bootconf.FREEZE_VERSION === "1") return undefined;
  if (lastOf(config, "bootloader_update") === "0") return undefined;
  const signature = (await files.content("pieeprom.sig"))?.toString("latin1");
  if (signature === undefined) return undefined;
  const hash = /^[0-9a-f]{64}$/m.exec(signature)?.[0] ?? "";
  const timestamp = Number(/^ts: (\d+)$/m.exec(signature)?.[1] ?? 0);
  log.console.push(`SIG pieeprom.sig ${hash} ${timestamp}`);
  const compared = `SELF-UPDATE timestamp current ${eeprom.updateTimestamp} new ${timestamp}`;
  if (timestamp <= eeprom.updateTimestamp) {
    log.console.push(`${compared} skip`);
    return undefined;
  }
  log.console.push(compared);
  const image = await files.content("pieeprom.upd");
  const obstacle = image === undefined ? "it did not come" : obstacleTo(image, hash, board.model);
  if (image === undefined || obstacle !== undefined) {
    log.remarks.push(`pieeprom.upd is not flashed: ${obstacle}`);
    return undefined;
  }
  if (eeprom.image !== undefined && Buffer.from(eeprom.image).equals(image)) return undefined;
  return { eeprom: { updateTimestamp: timestamp, image }, bootconf: await bootconfIn(image, board) };
}

function obstacleTo(image: Buffer, wanted: string, model: PiModel): string | undefined {
  const { chip } = models[model];
  if (image.length !== eepromSize[chip]) return `${image.length} bytes are no image for a BCM${chip}`;
  const hash = createHash("sha256").update(image).digest("hex");
  return hash === wanted
    ? undefined
    : `its SHA-256 is ${hash}, pieeprom.sig says ${wanted === "" ? "nothing" : wanted}`;
}

/** Walks the sections of an image (reference §3.1-3.2) to its bootconf.txt. Apart from formats/ as config-text.ts is. */
async function bootconfIn(image: Buffer, facts: FilterFacts): Promise<Bootconf> {
  for (let at = 0; at + 8 <= image.length; ) {
    const magic = image.readUInt32BE(at);
    const length = image.readUInt32BE(at + 4);
    if (magic === 0 || magic === 0xffffffff) break;
    // 12 bytes of name and 4 of zeros precede the content, and count in the length.
    const name = image.toString("latin1", at + 8, at + 20).replace(/\0.*$/s, "");
    if (magic === namedFile && name === "bootconf.txt") {
      const settings = await readSettings(image.subarray(at + 24, at + 8 + length), facts);
      return Object.fromEntries(settings.map(([key]) => [key, allOf(settings, key).at(-1) ?? ""]));
    }
    at = (at + 8 + length + 7) & ~7;
  }
  throw new BootFailure("what was flashed holds no bootconf.txt, so it is no bootloader: the board is bricked", true);
}

const namedFile = 0x55aaf11f;
