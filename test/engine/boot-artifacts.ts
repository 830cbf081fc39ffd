import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { disklessLayer } from "../../formats/alpine-services.ts";
import { type LockedFile, pin } from "../../formats/artifact-lock.ts";
import { boardLayers, boardRoles } from "../../images/alpine/layers.ts";
import { cacheOf } from "../../tools/artifacts/cache.ts";
import { readLock, writeLock } from "../../tools/artifacts/lock-file.ts";
import { apkRepository, type StubPackage, signedIndex } from "../doubles/apk-repository.ts";
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
  ]);
}

/** Pins a system, bootloaders and packages in a trial, as somebody does who brings the files. */
export async function pinBootArtifacts(
  trial: Trial,
  files = systemFiles(),
  packages: readonly StubPackage[] = boardPackages(),
): Promise<void> {
  const folder = join(trial.folder, "brought");
  await mkdir(folder, { recursive: true });
  const archive = join(folder, "alpine-rpi-3.99.0-aarch64.tar.gz");
  await writeFile(archive, gzipSync(await packedFiles(files), { level: 1 }));
  await add(trial, "alpine-rpi", archive, "3.99.0");
  for (const [chip, image] of [["2711", last2711] as const, ["2712", ab2712] as const]) {
    const file = join(folder, `pieeprom-${chip}.bin`);
    await writeFile(file, image.bytes);
    await add(trial, `pi-eeprom-${chip}`, file, "2026-05-17");
  }
  await bringPackages(trial, packages);
}

/** A tar of these files, all of 1970. */
export async function packedFiles(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  return await buffer(tar);
}

/** Packages that boards of any role have, with nothing in them. */
export function boardPackages(): readonly StubPackage[] {
  const facts = { authorizedKeys: [], userCa: "", timeServers: [], bridge: "br0" };
  const layers = [disklessLayer, ...boardRoles.flatMap((role) => boardLayers(role, facts))];
  const words = layers.flatMap(({ layer }) => layer.packages ?? []);
  return [...new Set(words)].map((name) => ({ name }));
}

/** Pins packages, each of which is wanted. There is no command for that without a mirror. */
async function bringPackages(trial: Trial, packages: readonly StubPackage[]): Promise<void> {
  if (packages.length === 0) return;
  const { files } = await apkRepository(packages, { arch: "aarch64" });
  const cache = cacheOf(trial.folder).folder;
  const locked: [string, LockedFile][] = [];
  for (const [name, content] of files) {
    const sha256 = createHash("sha256").update(content).digest("hex");
    await writeFile(join(cache, sha256), content);
    locked.push([`main/aarch64/${name}`, { sha256, bytes: content.length }]);
  }
  const set = { version: branch, url: `https://mirror.example/${branch}`, files: Object.fromEntries(locked) };
  const world = packages.map(({ name }) => name);
  await writeLock(trial.folder, pin(await readLock(trial.folder), packagesArtifact, { ...set, world }));
}

/** Pins packages from a mirror that has just these and is gone after it, as somebody does who has one. */
export async function pinPackagesOfMirror(trial: Trial, packages: readonly StubPackage[]): Promise<void> {
  const options = { arch: "aarch64" } as const;
  const { files, key } = await apkRepository(packages, options);
  const there = new Map([...files].map(([name, content]) => [`/${branch}/main/aarch64/${name}`, content]));
  there.set(`/${branch}/community/aarch64/APKINDEX.tar.gz`, await signedIndex("", options));
  const keyFile = join(trial.folder, "brought", key.file);
  await writeFile(keyFile, key.publicPem);
  const server = createServer(({ url = "" }, response) => {
    const content = there.get(url);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const from = ["--mirror", `alpine=http://127.0.0.1:${port}`, "--key", keyFile];
    await command(trial, "update", packagesArtifact, ...from);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const packagesArtifact = "alpine-packages-aarch64";
/** Of Alpine, that the system's version belongs to. */
const branch = "v3.99";

async function add(trial: Trial, name: string, file: string, version: string): Promise<void> {
  await command(trial, "add", name, file, "--version", version);
}

async function command(trial: Trial, ...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await trial.bramble("artifacts", ...words);
  if (code !== 0) throw new Error(stdout + stderr);
}
