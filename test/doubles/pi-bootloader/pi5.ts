import { lastOf, type Settings } from "./config-text.ts";
import { type Flashed, selfUpdate } from "./eeprom.ts";
import { models } from "./models.ts";
import { BootFailure, type BootLog, type Files } from "./network.ts";
import {
  deviceTreeNames,
  findKernel,
  findOs,
  firstThere,
  type OsFiles,
  readCommandLine,
  readConfig,
  readInitramfs,
  readOverlays,
  underPrefix,
} from "./os-files.ts";
import type { Board } from "./pi-board.ts";

/** Boots a board with a BCM2712 from the network, in the order of reference §2.4. */
export async function bootPi5(
  board: Board,
  filesAt: (stage: "eeprom", prefix: string) => Files,
  log: BootLog,
): Promise<Flashed | OsFiles> {
  const { prefix, settings: early } = await chooseFolder(board, filesAt, log);
  const flashed = await selfUpdate(filesAt("eeprom", prefix), early, board, log);
  if (flashed !== undefined) return flashed;
  // From here on a slash of its own stands between prefix and name. Where the prefix was dropped nobody has told what
  // the names look like; they are taken to be bare.
  const files = filesAt("eeprom", prefix === "" ? "" : `${prefix}/`);
  await readConfig(files, "config.txt", board, log);
  const settings = await readConfig(files, "config.txt", board, log);
  if (settings === undefined) {
    await firstThere(files, ["kernel_2712.img", "kernel8.img", "kernel8_rt.img"]);
    throw new BootFailure(`${files.prefix}config.txt did not come, so the earlier one is thrown away`);
  }

  const os = await findOs(files, settings, board.model, deviceTreesOf(board, settings), log);
  const kernel = await findKernel(files, os, board.model);
  const candidates = deviceTreesOf(board, settings).map((name) => underPrefix(os.prefix, name));
  const deviceTree = await firstThere(files, candidates);
  if (deviceTree === undefined) {
    throw new BootFailure(`no device tree: ${candidates.map((name) => files.prefix + name).join(", ")}`);
  }
  const deviceTreeBytes = await files.required(deviceTree);
  const initramfs = await readInitramfs(files, os, kernel, log);
  if (lastOf(settings, "dtoverlay") !== undefined) await files.content(`${os.overlays}overlay_map.dtb`);
  const overlays = await readOverlays(files, os, board.stepping === "d0" ? ["bcm2712d0"] : [], log);
  const commandLine = await readCommandLine(files, os, log);
  await files.content("armstub8-2712.bin");
  return {
    kernel: { name: kernel, bytes: await readKernel(files, kernel) },
    deviceTree: { name: deviceTree, bytes: deviceTreeBytes },
    ...(initramfs === undefined ? {} : { initramfs }),
    overlays,
    commandLine,
  };
}

/** The board's folder, or the root where that is not bootable: config.txt and a device tree must be there (os_check). */
async function chooseFolder(
  board: Board,
  filesAt: (stage: "eeprom", prefix: string) => Files,
  log: BootLog,
): Promise<{ prefix: string; settings: Settings }> {
  const reasons: string[] = [];
  for (const prefix of board.prefix === "" ? [""] : [board.prefix, ""]) {
    const files = filesAt("eeprom", prefix);
    const settings = await readConfig(files, "config.txt", board, log);
    if (settings === undefined) reasons.push(`no ${prefix}config.txt`);
    else if (await isBootable(files, board, settings)) return { prefix, settings };
    else reasons.push(`no device tree for this board below ${prefix === "" ? "the root" : prefix}`);
    if (prefix !== "") log.remarks.push(`${reasons.at(-1)}: the prefix is dropped`);
  }
  throw new BootFailure(`nothing to boot: ${reasons.join(", ")}`);
}

async function isBootable(files: Files, board: Board, settings: Settings): Promise<boolean> {
  if (lastOf(settings, "os_check") === "0") return true;
  const prefix = lastOf(settings, "os_prefix") ?? "";
  const names = deviceTreesOf(board, settings);
  const both = prefix === "" ? names : [...names.map((name) => underPrefix(prefix, name)), ...names];
  return (await firstThere(files, both)) !== undefined;
}

/** A board with the later stepping takes its own device tree first. */
function deviceTreesOf(board: Board, settings: Settings): readonly string[] {
  const own = models[board.model].deviceTree;
  const d0 = board.stepping === "d0" ? [own.replace("bcm2712-", "bcm2712d0-")] : [];
  return deviceTreeNames(settings, [...d0, own]);
}

/** Seen with a kernel that took too long: a black screen, and no second try (rpi-eeprom issue 687). */
async function readKernel(files: Files, name: string): Promise<Buffer> {
  const answer = await files.read(name);
  if (answer.kind === "found") return answer.bytes;
  throw new BootFailure(`${files.prefix}${name}: ${answer.kind}`, answer.kind === "timeout");
}
