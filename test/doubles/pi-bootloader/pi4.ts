import { lastOf, type Settings } from "./config-text.ts";
import { type Flashed, selfUpdate } from "./eeprom.ts";
import { models } from "./models.ts";
import { BootFailure, type BootLog, type Files } from "./network.ts";
import {
  deviceTreeNames,
  findKernel,
  findOs,
  kernelNames,
  type NamedFile,
  type OsFiles,
  readCommandLine,
  readConfig,
  readInitramfs,
  readOverlays,
  underPrefix,
} from "./os-files.ts";
import type { Board } from "./pi-board.ts";

/** The firmware that the EEPROM's program starts, and what that loads. */
export interface Pi4Files extends OsFiles {
  readonly start: NamedFile;
  readonly fixup: NamedFile;
}

/**
 * Boots a board with a BCM2711 from the network, in the order of reference §2.3.
 * @param filesAt the server as the named stage sees it, below a prefix
 */
export async function bootPi4(
  board: Board,
  filesAt: (stage: "eeprom" | "start4", prefix: string) => Files,
  log: BootLog,
): Promise<Flashed | Pi4Files> {
  const prefix = await choosePrefix(filesAt("eeprom", board.prefix), log);
  const eeprom = filesAt("eeprom", prefix);
  const settings = (await readConfig(eeprom, "config.txt", board, log, { include: false })) ?? [];
  if (board.hasVl805) await eeprom.content("vl805.sig");
  const flashed = await selfUpdate(eeprom, settings, board, log);
  if (flashed !== undefined) return flashed;
  await refuseRecovery(eeprom, ["recover4.elf", "recovery.elf"]);
  const [startName, fixupName] = firmwareNames(settings);
  const start = { name: startName, bytes: await readStart(eeprom, startName) };
  const fixup = { name: fixupName, bytes: await eeprom.required(fixupName) };
  return { start, fixup, ...(await start4(board, filesAt("start4", prefix), log)) };
}

/** A board without the file that it wants asks for older boards' one too, which does not run on it. */
async function readStart(files: Files, name: string): Promise<Buffer> {
  try {
    return await files.required(name);
  } catch (error) {
    await files.probe("start.elf");
    throw error;
  }
}

/** Without start4.elf or start.elf below the board's prefix, all files are asked for at the root. */
async function choosePrefix(files: Files, log: BootLog): Promise<string> {
  for (const name of ["start4.elf", "start.elf"]) if (await files.probe(name)) return files.prefix;
  log.remarks.push(`no start4.elf below ${files.prefix}: the prefix is dropped`);
  return "";
}

/** What start4.elf does once it runs. */
async function start4(board: Board, files: Files, log: BootLog): Promise<OsFiles> {
  await refuseRecovery(files, ["recovery.elf"]);
  await files.probe("config.txt");
  await readConfig(files, "config.txt", board, log);
  await readConfig(files, "config.txt", board, log);
  await files.probe("dt-blob.bin");
  await refuseRecovery(files, ["recovery.elf"]);
  await readConfig(files, "config.txt", board, log);
  const settings = (await readConfig(files, "config.txt", board, log)) ?? [];
  await files.probe("bootcfg.txt");

  const deviceTrees = deviceTreeNames(settings, [models[board.model].deviceTree]);
  const os = await findOs(files, settings, board.model, deviceTrees, log);
  const initramfs = await readInitramfs(files, os, kernelNames(settings, board.model)[0] ?? "", log);
  const deviceTree = underPrefix(os.prefix, deviceTrees[0] ?? "");
  if (!(await files.probe(deviceTree))) throw new BootFailure(`no device tree: ${files.prefix}${deviceTree}`);
  const deviceTreeBytes = await files.required(deviceTree);
  if (await files.probe(`${os.overlays}overlay_map.dtb`)) await files.content(`${os.overlays}overlay_map.dtb`);
  await readConfig(files, "config.txt", board, log);
  // It is read once more before the overlays, and this reading says which they are.
  const later = (await readConfig(files, "config.txt", board, log)) ?? [];
  const overlays = await readOverlays(files, { ...os, settings: later }, [], log);
  const commandLine = await readCommandLine(files, os, log);
  if (await files.probe("recovery8.img")) throw new BootFailure(`${files.prefix}recovery8.img is there, and is run`);
  const kernel = await findKernel(files, os, board.model);
  await files.probe("armstub8-gic.bin");
  return {
    kernel: { name: kernel, bytes: await files.required(kernel) },
    deviceTree: { name: deviceTree, bytes: deviceTreeBytes },
    ...(initramfs === undefined ? {} : { initramfs }),
    overlays,
    commandLine,
  };
}

/** A recovery program that is there is run in place of everything that follows. */
async function refuseRecovery(files: Files, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (await files.probe(name)) throw new BootFailure(`${files.prefix}${name} is there, and is run`);
  }
}

/** config.txt's choice among the firmware's builds. */
function firmwareNames(settings: Settings): [start: string, fixup: string] {
  const build = builds.find(([name, value]) => lastOf(settings, name) === value)?.[2] ?? "";
  return [
    lastOf(settings, "start_file") ?? `start4${build}.elf`,
    lastOf(settings, "fixup_file") ?? `fixup4${build}.dat`,
  ];
}

const builds = [
  ["start_x", "1", "x"],
  ["start_debug", "1", "db"],
  ["gpu_mem", "16", "cd"],
] as const;
