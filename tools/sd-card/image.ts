import { lstat, open, rename, rm, truncate } from "node:fs/promises";
import { env } from "node:process";
import { masterBootRecord, sectorBytes } from "../../formats/mbr.ts";
import { unlessAbsent } from "../lib/files.ts";
import { run } from "../lib/run.ts";
import { findProgram } from "../setup/programs.ts";
import type { Card } from "./card.ts";

/** As in the images that Raspberry Pi makes for the same purpose: boot ROMs are known to read them. */
const imageBytes = 40 * 1024 * 1024;
const partition = { firstSector: 2048, sectors: imageBytes / sectorBytes - 2048, type: 0x0c };
/** "Bram": the disk's signature, and the volume's serial number. */
const signature = 0x6d617242;
const label = "BRAMBLE";

/**
 * Writes an image of an SD card: a partition table and one FAT32 partition with the files. The same card is the same
 * bytes, with one version of mtools.
 * @throws Error when mtools is missing, and when something else is there already
 */
export async function writeImage(path: string, { files, time }: Card): Promise<void> {
  requireMtools();
  const first = masterBootRecord(partition, signature);
  await refuseForeign(path, first);
  const partial = `${path}.part`;
  const inPartition = `${partial}@@${partition.firstSector * sectorBytes}`;
  const options = { env: environment(time) };
  const size = ["-T", `${partition.sectors}`, "-h", "64", "-s", "32", "-H", `${partition.firstSector}`, "-c", "1"];
  const volume = ["-N", signature.toString(16), "-v", label];
  try {
    await writeFirstSector(partial, first);
    await run(["mformat", "-i", inPartition, "-F", ...size, ...volume, "::"], options);
    for (const [name, input] of Object.entries(files))
      await run(["mcopy", "-i", inPartition, "-", `::${name}`], { ...options, input });
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

function requireMtools(): void {
  if (["mformat", "mcopy"].every((program) => findProgram(program) !== undefined)) return;
  throw new Error(
    "An image is made with mtools, which this machine lacks. On Debian and Ubuntu: sudo apt-get install mtools\n" +
      "Without --image, the command writes the files alone, to copy onto a card.",
  );
}

/** An image of an earlier run may be replaced; nothing else, and a device never. */
async function refuseForeign(path: string, first: Uint8Array): Promise<void> {
  const there = await lstat(path).catch(unlessAbsent);
  if (there === undefined) return;
  if (!there.isFile())
    throw new Error(
      `${path} is no plain file. This command writes images only; copy one to a card yourself:\n` +
        "  sudo dd if=card.img of=/dev/sdX bs=4M conv=fsync      (sdX: see lsblk; everything on it is lost)",
    );
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sectorBytes), 0, sectorBytes, 0);
    if (bytesRead === sectorBytes && buffer.equals(first)) return;
  } finally {
    await file.close();
  }
  throw new Error(`${path} is there already, and no image of this command. Nothing was changed; take another name.`);
}

async function writeFirstSector(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.write(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await truncate(path, imageBytes);
}

/** Nothing of the user's settings, and no clock. */
function environment(time: number): NodeJS.ProcessEnv {
  return { PATH: env.PATH, LC_ALL: "C", TZ: "UTC", MTOOLSRC: "/dev/null", SOURCE_DATE_EPOCH: `${time}` };
}
