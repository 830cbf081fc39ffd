import { allOf, type FilterFacts, lastOf, readSettings, type Settings } from "./config-text.ts";
import { models, type PiModel } from "./models.ts";
import { BootFailure, type BootLog, type Files } from "./network.ts";

export interface NamedFile {
  /** Without the board's TFTP prefix. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** What the firmware hands over to the kernel, and the kernel itself. */
export interface OsFiles {
  readonly kernel: NamedFile;
  readonly deviceTree: NamedFile;
  /** Several files of one `initramfs` line are one, in that order. */
  readonly initramfs?: NamedFile;
  /** In the order in which they are applied. */
  readonly overlays: readonly NamedFile[];
  /** One line; empty when there was none, and the firmware has its built-in one. */
  readonly commandLine: string;
}

/** The settings in force, and where they lead. */
export interface OsNames {
  readonly settings: Settings;
  /** os_prefix, if it is followed. */
  readonly prefix: string;
  /** In front of the name of an overlay. */
  readonly overlays: string;
}

/** The most that is read of config.txt over the network (reference §5). */
export const longestConfig = 4095;

/**
 * The settings of config.txt as one reading of it gives them; none where its content is passed over: it is too long, or
 * came from a server that does not answer options (reference §2.2). Undefined where there is no such file.
 */
export async function readConfig(
  files: Files,
  name: string,
  facts: FilterFacts,
  log: BootLog,
  { include = true } = {},
): Promise<Settings | undefined> {
  const answer = await files.read(name);
  if (answer.kind !== "found") return undefined;
  const passedOver = (why: string): Settings => {
    const remark = `${name} is passed over: ${why}`;
    if (!log.remarks.includes(remark)) log.remarks.push(remark);
    return [];
  };
  if (!answer.options) return passedOver("the server does not answer options");
  if (answer.bytes.length > longestConfig) return passedOver(`it has ${answer.bytes.length} bytes`);
  return await readSettings(answer.bytes, facts, include ? (each) => files.content(each) : undefined);
}

/** Which kernel names are tried: the one that is set, or the model's. */
export function kernelNames(settings: Settings, model: PiModel): readonly string[] {
  const named = lastOf(settings, "kernel");
  if (named !== undefined) return [named];
  if (models[model].chip === 2712) return ["kernel_2712.img", "kernel8.img"];
  return [lastOf(settings, "arm_64bit") === "0" ? "kernel7l.img" : "kernel8.img"];
}

/**
 * Whether os_prefix and the prefix of overlays are followed (reference §5): the one only where kernel and device tree
 * are there, the other only where its README is; else the names are taken without.
 */
export async function findOs(
  files: Files,
  settings: Settings,
  model: PiModel,
  deviceTrees: readonly string[],
  log: BootLog,
): Promise<OsNames> {
  const wanted = lastOf(settings, "os_prefix") ?? "";
  const folder = lastOf(settings, "overlay_prefix") ?? "overlays/";
  if (wanted === "") return { settings, prefix: "", overlays: folder };
  const below = (names: readonly string[]) =>
    firstThere(
      files,
      names.map((name) => underPrefix(wanted, name)),
    );
  if ((await below(kernelNames(settings, model))) === undefined || (await below(deviceTrees)) === undefined) {
    log.remarks.push(`os_prefix=${wanted} is not followed: kernel and device tree are not both there`);
    return { settings, prefix: "", overlays: folder };
  }
  if (await files.probe(`${wanted}${folder}README`)) return { settings, prefix: wanted, overlays: wanted + folder };
  log.remarks.push(`overlays are taken from ${folder}: ${wanted}${folder}README is not there`);
  return { settings, prefix: wanted, overlays: folder };
}

/** The first of the names that is there, or undefined. */
export async function firstThere(files: Files, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await files.probe(name)) return name;
  return undefined;
}

/** A leading slash skips os_prefix. */
export function underPrefix(prefix: string, name: string): string {
  return name.startsWith("/") ? name.slice(1) : prefix + name;
}

/** The device trees that are looked for: the one that is set, or the board's own in their order. */
export function deviceTreeNames(settings: Settings, own: readonly string[]): readonly string[] {
  const named = lastOf(settings, "device_tree");
  return named === undefined ? own : [named];
}

/** The kernel that is there. @throws BootFailure naming all that were looked for */
export async function findKernel(files: Files, names: OsNames, model: PiModel): Promise<string> {
  const candidates = kernelNames(names.settings, model).map((name) => underPrefix(names.prefix, name));
  const found = await firstThere(files, candidates);
  if (found !== undefined) return found;
  throw new BootFailure(`no kernel: ${candidates.map((name) => files.prefix + name).join(", ")}`);
}

/** Reads what follows: the initial RAM disk of the `initramfs` line, or the one beside the default kernel. */
export async function readInitramfs(
  files: Files,
  { settings, prefix }: OsNames,
  kernel: string,
  log: BootLog,
): Promise<NamedFile | undefined> {
  const names = initramfsNames(settings, kernel).map((name) => underPrefix(prefix, name));
  const parts: Buffer[] = [];
  for (const name of names) {
    const answer = await files.read(name);
    if (answer.kind === "found") parts.push(answer.bytes);
    else if (answer.kind === "timeout") {
      // Seen on a Pi 5, whose firmware is all in the EEPROM: a black screen, and no second try (rpi-eeprom issue 687).
      const hangs = files.stage === "eeprom";
      throw new BootFailure(`${files.prefix}${name}: not complete within TFTP_FILE_TIMEOUT`, hangs);
    } else log.remarks.push(`the kernel starts without ${name}: ${answer.kind}`);
  }
  return parts.length === 0 ? undefined : { name: names.join(","), bytes: Buffer.concat(parts) };
}

function initramfsNames(settings: Settings, kernel: string): readonly string[] {
  const line = lastOf(settings, "initramfs") ?? lastOf(settings, "ramfsfile");
  if (line !== undefined) return (line.split(/\s+/)[0] ?? "").split(",").filter((name) => name !== "");
  const [, kind] = /(?:^|\/)kernel([^/]*)\.img$/.exec(kernel) ?? [];
  return lastOf(settings, "auto_initramfs") === "1" && kind !== undefined ? [`initramfs${kind}`] : [];
}

/** Reads the overlays: those that the firmware adds on its own, then those of `dtoverlay`; missing ones are skipped. */
export async function readOverlays(
  files: Files,
  { settings, overlays }: OsNames,
  own: readonly string[],
  log: BootLog,
): Promise<NamedFile[]> {
  const named = allOf(settings, "dtoverlay").map((line) => line.split(/[,:]/)[0] ?? "");
  const found: NamedFile[] = [];
  for (const each of [...own, ...named.filter((name) => name !== "")]) {
    const name = `${overlays}${each}.dtbo`;
    const bytes = await files.content(name);
    if (bytes === undefined) log.remarks.push(`the overlay ${name} is skipped: it did not come`);
    else found.push({ name, bytes });
  }
  return found;
}

/** Reads the command line: the first line of its file. */
export async function readCommandLine(files: Files, { settings, prefix }: OsNames, log: BootLog): Promise<string> {
  const name = underPrefix(prefix, lastOf(settings, "cmdline") ?? "cmdline.txt");
  const text = (await files.content(name))?.toString("latin1");
  if (text === undefined) log.remarks.push(`there is no ${name}: the firmware's own command line is used`);
  const [line = "", ...more] = (text ?? "").split("\n");
  if (more.some((each) => each.trim() !== "")) log.remarks.push(`${name} counts only up to its first line's end`);
  return line.trim();
}
