import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { list } from "../../site/problem.ts";
import { readIfThere } from "../lib/files.ts";
import type { Card } from "./card.ts";
import { readmeMark, readmeName } from "./readme.ts";

/** What a board would act on too, while it runs recovery.bin (reference "Raspberry Pi boot" §3.6). */
const actedOn: readonly string[] = ["config.txt", "pieeprom.upd", "vl805.bin", "vl805.sig"];

/**
 * Writes the files of a card into a folder, which may be a card that is mounted.
 * @throws Error when the folder has files that are not of this command and would be overwritten, or obeyed by the board
 */
export async function writeFolder(folder: string, { files }: Card): Promise<void> {
  await mkdir(folder, { recursive: true });
  const there = await readdir(folder);
  const isOurs = (await readIfThere(join(folder, readmeName)))?.startsWith(readmeMark) === true;
  const names = Object.keys(files).map((name) => name.toLowerCase());
  // FAT knows no difference between RECOVERY.BIN and recovery.bin.
  const foreign = there.filter((name) => {
    const lower = name.toLowerCase();
    return actedOn.includes(lower) || (names.includes(lower) && !isOurs);
  });
  if (foreign.length > 0)
    throw new Error(
      `${folder} has ${list(foreign, 10)}, which this command did not write. Nothing was changed. Take another folder ` +
        "(--out FOLDER), or move these away.",
    );
  // The README goes first: by it, what a run has left half written is known as ours.
  for (const [name, bytes] of Object.entries(files)) {
    const partial = join(folder, `${name}.part`);
    await writeFile(partial, bytes, { flush: true });
    await rename(partial, join(folder, name));
  }
}
