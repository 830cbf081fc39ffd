import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { ab2712, last2711 } from "../formats/eeprom-samples.ts";
import type { Trial } from "./trial.ts";

/** Bytes that look like nothing in particular, the same for the same name. */
export function filler(name: string, bytes: number): Buffer {
  const block = createHash("sha512").update(name).digest();
  return Buffer.alloc(bytes, block);
}

/** What an archive like Alpine's for Raspberry Pis has in it, with contents of our own. */
export function systemFiles(): Record<string, Buffer> {
  const file = (path: string, bytes: number): [string, Buffer] => [path, filler(path, bytes)];
  return Object.fromEntries([
    file("start4.elf", 90_000),
    file("fixup4.dat", 5_000),
    file("bcm2711-rpi-4-b.dtb", 50_000),
    file("bcm2712-rpi-5-b.dtb", 70_000),
    file("bcm2712d0-rpi-5-b.dtb", 70_001),
    file("overlays/overlay_map.dtb", 3_000),
    file("overlays/bcm2712d0.dtbo", 900),
    file("overlays/disable-wifi.dtbo", 700),
    file("boot/vmlinuz-rpi", 400_000),
    file("boot/initramfs-rpi", 300_000),
    file("boot/modloop-rpi", 200_000),
    file("apks/aarch64/APKINDEX.tar.gz", 2_000),
    file("apks/aarch64/alpine-base-3.99.0-r0.apk", 1_500),
  ]);
}

/** Pins a system and bootloaders in a trial, as somebody does who brings the files. */
export async function pinBootArtifacts(trial: Trial, files = systemFiles()): Promise<void> {
  const folder = join(trial.folder, "brought");
  await mkdir(folder, { recursive: true });
  const archive = join(folder, "alpine-rpi-3.99.0-aarch64.tar.gz");
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  await pipeline(tar, createGzip(), createWriteStream(archive));
  await add(trial, "alpine-rpi", archive, "3.99.0");
  for (const [chip, image] of [["2711", last2711] as const, ["2712", ab2712] as const]) {
    const file = join(folder, `pieeprom-${chip}.bin`);
    await writeFile(file, image.bytes);
    await add(trial, `pi-eeprom-${chip}`, file, "2026-05-17");
  }
}

async function add(trial: Trial, name: string, file: string, version: string): Promise<void> {
  const { code, stdout, stderr } = await trial.bramble("artifacts", "add", name, file, "--version", version);
  if (code !== 0) throw new Error(stdout + stderr);
}
