import { parseEepromSignature } from "../../formats/eeprom-signature.ts";
import type { Folder } from "../transport/folder.ts";
import type { BootloaderUpdate } from "./inputs.ts";
import { signatureFile } from "./update.ts";

interface PublishedUpdate {
  readonly sha256: string;
  readonly time: number;
}

/**
 * The time to publish an update with, in seconds since 1970: above every one that was published or that the board has
 * reported, also when the state was lost or comes from a backup, and whatever this machine's clock says. What is
 * published already keeps its time, and boards then have nothing to do, unless the board took it and has other settings
 * now: then somebody changed them there.
 * @param before the time that this resource published last; 0 if it did not
 */
export async function updateTime(
  folder: Folder,
  names: readonly string[],
  { sha256, taken, confirmed }: BootloaderUpdate,
  before: number,
): Promise<number> {
  const published = await newestPublished(folder, names);
  if (published?.sha256 === sha256 && published.time >= before && (confirmed || published.time > taken))
    return published.time;
  return Math.max(Math.floor(Date.now() / 1000), 1 + Math.max(published?.time ?? 0, before, taken));
}

/** What a board finds now, under any of its names. */
async function newestPublished(folder: Folder, names: readonly string[]): Promise<PublishedUpdate | undefined> {
  const texts = await Promise.all(names.map((name) => folder.read(`${name}/${signatureFile}`)));
  const updates = texts.flatMap((text) => (text === undefined ? [] : (readable(text.toString("utf8")) ?? [])));
  return updates.sort((a, b) => b.time - a.time)[0];
}

/** A file that is none any more says nothing; the tree that it lies in puts it right. */
function readable(text: string): PublishedUpdate | undefined {
  try {
    const { sha256, timestamp = 0 } = parseEepromSignature(text);
    return { sha256, time: timestamp };
  } catch (error) {
    console.error(`${signatureFile} on the server is not looked at: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
