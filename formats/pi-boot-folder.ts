import { createHash } from "node:crypto";
import { checkCmdline, type KernelParameter, printCmdline } from "./cmdline-txt.ts";
import { type ConfigLine, printConfigTxt } from "./config-txt.ts";
import { type Chip, type PiModel, type PiModelFacts, piModels } from "./raspberry-pi.ts";
import { checkTftpPath } from "./tftp-path.ts";

/** A file that lies elsewhere, by its content. */
export interface FileRef {
  /** Hex, lower case. */
  readonly sha256: string;
  readonly bytes: number;
}

export type Content = FileRef | { readonly text: string };

/** What a board is to boot. Files go by the names under which they are published. */
export interface PiBootFolderInput {
  readonly model: PiModel;
  readonly files: {
    /** Those that the model asks for, of one release. */
    readonly firmware: Readonly<Record<string, FileRef>>;
    readonly kernel: FileRef;
    readonly initramfs: FileRef;
    readonly deviceTrees: Readonly<Record<string, FileRef>>;
    /** `NAME.dtbo`, and the maps that belong to them. */
    readonly overlays: Readonly<Record<string, FileRef>>;
  };
  /** Lines of config.txt besides the ones that every board has; settings and comments. */
  readonly settings: readonly ConfigLine[];
  /** Values of `dtoverlay`, applied in this order: `disable-bt`, `vc4-kms-v3d,cma-64`. */
  readonly dtoverlays: readonly string[];
  /** In their values, {@link generationPlaceholder} stands for the generation. */
  readonly parameters: readonly KernelParameter[];
  /** Texts for the system that has booted, by path below the generation's folder. */
  readonly texts?: Readonly<Record<string, string>>;
}

export interface PiBootFolder {
  /** 16 hex digits, a hash over all that the board boots. */
  readonly generation: string;
  /** By path below the board's boot folder. */
  readonly files: Readonly<Record<string, Content>>;
}

/** The kernel parameter by which a running board tells what it booted. */
export const generationParameter = "bramble.generation";

/** What a kernel parameter has in the place of the generation, which is a hash over parameters too. */
export const generationPlaceholder = "{generation}";

/** Raised when the same input is laid out in another way. */
const layout = 1;

const kernelName = "vmlinuz";
const initramfsName = "initramfs";
const overlayMaps: readonly string[] = ["overlay_map.dtb", "hat_map.dtb"];

/** Without this file the firmware takes overlays from outside of os_prefix. */
const overlayReadme = "The firmware takes overlays from this folder because this file is here.\n";

/** Settings that the folder's layout depends on. */
const ownSettings: readonly string[] = [
  ...["arm_64bit", "auto_initramfs", "boot_ramdisk", "cmdline", "device_tree", "dtoverlay", "fixup_file", "kernel"],
  ...["os_check", "os_prefix", "overlay_prefix", "ramfsaddr", "ramfsfile", "start_debug", "start_file", "start_x"],
  ...["upstream_kernel"],
];

/**
 * Block numbers of TFTP have 16 bits, and only bootloaders since 2025-09-23 start again from 0. A last block that is
 * full needs an empty one behind it. Kernel and initramfs of a 2711 are loaded by start4.elf, which has a TFTP client
 * of its own; it was only seen to ask for blocks of 1024 bytes.
 */
const mostBytes: Readonly<Record<Chip, number>> = { "2711": 65_535 * 1024 - 1, "2712": 65_535 * 1468 - 1 };

/**
 * Everything in the boot folder of one board. At the top are only config.txt and, for a 2711, the firmware; what the
 * firmware loads lies in a folder of its own for each generation, which config.txt names (os_prefix). So a board that
 * reads config.txt before a publish and the rest after it still boots one generation, if older ones are left in place.
 * Throws, with all that is wrong, if this could not boot. Source: reference "Raspberry Pi boot" §2.3 to §2.5 and §5.
 */
export function piBootFolder(input: PiBootFolderInput): PiBootFolder {
  const facts = piModels[input.model];
  const problems = [
    ...firmwareProblems(facts, input.files.firmware),
    ...deviceTreeProblems(facts, input.files.deviceTrees),
    ...overlayProblems(facts, input),
    ...fileProblems(facts.chip, input),
    ...input.settings.flatMap((line) => settingProblem(line) ?? []),
    ...checkCmdline(finished(input.parameters, "0".repeat(16))),
    ...Object.keys(input.texts ?? {}).flatMap((path) => textProblem(path) ?? []),
    ...input.parameters
      .filter((parameter) => (typeof parameter === "string" ? parameter : parameter[0]) === generationParameter)
      .map(() => `kernel parameter ${generationParameter} is added by itself: remove it`),
  ];
  if (problems.length > 0) {
    throw new Error(`The boot folder of a ${facts.title} cannot be made:\n  ${problems.join("\n  ")}`);
  }

  const generation = generationOf(input);
  const inGeneration = { ...systemFiles(input), "cmdline.txt": cmdline(input, generation) };
  return {
    generation,
    files: {
      "config.txt": { text: printConfigTxt(configLines(input, `${generation}/`)) },
      ...firmwareFiles(input.files.firmware),
      ...Object.fromEntries(Object.entries(inGeneration).map(([path, content]) => [`${generation}/${path}`, content])),
    },
  };
}

function generationOf(input: PiBootFolderInput): string {
  const files = [...Object.entries(systemFiles(input)), ...Object.entries(input.files.firmware)].map(
    ([path, content]) => [path, "sha256" in content ? content.sha256 : content.text],
  );
  files.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const config = printConfigTxt(configLines(input, ""));
  const all = { layout, model: input.model, config, parameters: printCmdline(input.parameters), files };
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
}

function systemFiles({ files, texts = {} }: PiBootFolderInput): Record<string, Content> {
  return {
    [kernelName]: files.kernel,
    [initramfsName]: files.initramfs,
    ...files.deviceTrees,
    "overlays/README": { text: overlayReadme },
    ...Object.fromEntries(Object.entries(files.overlays).map(([name, file]) => [`overlays/${name}`, file])),
    ...Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, { text }])),
  };
}

function cmdline({ parameters }: PiBootFolderInput, generation: string): Content {
  return { text: printCmdline(finished(parameters, generation)) };
}

function finished(parameters: readonly KernelParameter[], generation: string): KernelParameter[] {
  const filled = parameters.map((parameter): KernelParameter => {
    if (typeof parameter === "string") return parameter;
    return [parameter[0], parameter[1].replaceAll(generationPlaceholder, generation)];
  });
  return [...filled, [generationParameter, generation]];
}

/**
 * The firmware twice: under the name by which the bootloader finds out whether this is a boot folder, and under one of
 * its content, which config.txt gives, so that start and fixup file are always of one release.
 */
function firmwareFiles(firmware: Readonly<Record<string, FileRef>>): Record<string, FileRef> {
  return Object.fromEntries(
    Object.entries(firmware).flatMap(([name, file]) => [
      [name, file],
      [contentName(name, file), file],
    ]),
  );
}

/** `s4` and 6 hex digits for start4.elf: bootloaders before 2022-12-01 take no longer names than 8.3 for these files. */
function contentName(name: string, { sha256 }: FileRef): string {
  return `${name.slice(0, 1)}4${sha256.slice(0, 6)}${name.slice(name.lastIndexOf("."))}`;
}

function configLines({ model, files, settings, dtoverlays }: PiBootFolderInput, osPrefix: string): ConfigLine[] {
  const { chip, firmware } = piModels[model];
  const firmwareLines = firmware.map((name) => {
    const file = files.firmware[name];
    if (file === undefined) throw new Error(`${name} is missing, which no check found`);
    return setting(name.startsWith("start") ? "start_file" : "fixup_file", contentName(name, file));
  });
  const defaults = [setting("enable_uart", "1"), setting("disable_splash", "1")];
  return [
    { kind: "comment", text: "Written by Bramble; changes are overwritten." },
    ...firmwareLines,
    setting("os_prefix", osPrefix),
    ...(chip === "2711" ? [setting("arm_64bit", "1")] : []),
    setting("kernel", kernelName),
    { kind: "initramfs", files: [initramfsName] },
    ...defaults.filter(({ name }) => !settings.some((line) => line.kind === "setting" && line.name === name)),
    ...settings,
    ...dtoverlays.map((overlay) => setting("dtoverlay", overlay)),
  ];
}

function setting(name: string, value: string): ConfigLine & { readonly kind: "setting" } {
  return { kind: "setting", name, value };
}

function firmwareProblems({ title, firmware, chip }: PiModelFacts, given: Readonly<Record<string, FileRef>>): string[] {
  const missing = firmware.filter((name) => given[name] === undefined);
  const foreign = Object.keys(given).filter((name) => !firmware.includes(name));
  const why = firmware.length === 0 ? `chip ${chip} has its firmware in the EEPROM` : `it takes ${firmware.join(", ")}`;
  return [
    ...missing.map((name) => `the firmware file ${name} is missing: a ${title} cannot start without it`),
    ...foreign.map((name) => `${JSON.stringify(name)} is no firmware file of a ${title}, ${why}: leave it out`),
  ];
}

function deviceTreeProblems({ title, chip, deviceTrees }: PiModelFacts, given: Readonly<Record<string, FileRef>>) {
  const missing = deviceTrees.filter((name) => given[name] === undefined);
  const foreign = Object.keys(given).filter((name) => !new RegExp(`^bcm${chip}[a-z0-9-]*\\.dtb$`).test(name));
  return [
    ...missing.map((name) => `the device tree ${name} is missing: boards of the model ${title} may ask for it`),
    ...foreign.map(
      (name) => `${JSON.stringify(name)} is no device tree for chip ${chip}, which a ${title} has: leave it out`,
    ),
  ];
}

function overlayProblems({ title, overlays }: PiModelFacts, { files, dtoverlays }: PiBootFolderInput): string[] {
  const isThere = (name: string) => files.overlays[`${name}.dtbo`] !== undefined;
  const named = dtoverlays.map((overlay) => overlay.split(/[,:]/, 1)[0] ?? "");
  return [
    ...overlays
      .filter((name) => !isThere(name))
      .map((name) => `the overlay ${name}.dtbo is missing, which the firmware of a ${title} applies by itself`),
    ...named
      .filter((name) => !isThere(name))
      .map(
        (name) => `dtoverlay ${JSON.stringify(name)}: there is no overlay ${name}.dtbo, and boards skip it silently`,
      ),
    ...Object.keys(files.overlays)
      .filter((name) => !/^[A-Za-z0-9_-]+\.dtbo$/.test(name) && !overlayMaps.includes(name))
      .map((name) => `${JSON.stringify(name)} is no overlay: those are called NAME.dtbo; leave it out`),
  ];
}

/** Files that cannot be served, by what they are. */
function fileProblems(chip: Chip, { files }: PiBootFolderInput): string[] {
  const all: [string, FileRef][] = [
    ["kernel", files.kernel],
    ["initramfs", files.initramfs],
    ...[files.firmware, files.deviceTrees, files.overlays].flatMap((some) => Object.entries(some)),
  ];
  return all.flatMap(([name, { sha256, bytes }]) => {
    const path = checkTftpPath(name);
    if (path !== undefined) return [path];
    if (!/^[0-9a-f]{64}$/.test(sha256)) return [`${name}: ${JSON.stringify(sha256)} is no SHA-256 in hex`];
    if (!Number.isInteger(bytes) || bytes < 1) return [`${name}: a file of ${bytes} bytes cannot be booted`];
    if (bytes <= mostBytes[chip]) return [];
    return [
      `${name} has ${bytes} bytes, and over TFTP a board with chip ${chip} can load ${mostBytes[chip]}: make it smaller, and let the booted system get large files over HTTP`,
    ];
  });
}

/** Texts lie in folders of their own, beside what the firmware loads. */
function textProblem(path: string): string | undefined {
  if (path.startsWith("overlays/") || !path.includes("/")) {
    return `${JSON.stringify(path)}: texts go into a folder of their own, such as seed/`;
  }
  return checkTftpPath(path);
}

function settingProblem(line: ConfigLine): string | undefined {
  if (line.kind === "comment") return undefined;
  if (line.kind === "filter") {
    return `settings: the filter [${line.name}] has no place in a file for one board: give the settings to the boards that they are for`;
  }
  if (line.kind === "initramfs") return "settings: the initramfs is given as a file: remove the line";
  if (!ownSettings.includes(line.name)) return undefined;
  if (line.name === "dtoverlay") return `settings: give ${JSON.stringify(line.value)} as an overlay, not as a setting`;
  return `settings: ${line.name} is set by what the board boots, not by hand: remove it`;
}
