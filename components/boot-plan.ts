import { createHash } from "node:crypto";
import { type ArtifactLock, type LockedFile, lockedFile, lockedFiles } from "../formats/artifact-lock.ts";
import { checkBootConf } from "../formats/bootconf.ts";
import type { KernelParameter } from "../formats/cmdline-txt.ts";
import { parseConfigLine } from "../formats/config-txt.ts";
import { type PiBootFolder, type PiBootFolderInput, piBootFolder } from "../formats/pi-boot-folder.ts";
import { type PiModelFacts, piModels, tftpPrefix } from "../formats/raspberry-pi.ts";
import type { BootloaderInputs } from "../providers/bootloader-config/inputs.ts";
import type { Boot, BootServer, NetworkBoard } from "../site/model.ts";
import { bootConf } from "./boot-conf.ts";

/** All that a site's boards boot, worked out from the site and the lock before anything is asked of the engine. */
export interface BootPlan {
  readonly system: SystemPlan;
  readonly boards: readonly BoardPlan[];
  /** What bootloaders will not do, though it is asked of them. */
  readonly warnings: readonly string[];
}

/** What all boards fetch by HTTP once their kernel runs. */
export interface SystemPlan {
  readonly generation: string;
  /** SHA-256 by path below the generation's folder. */
  readonly blobs: Readonly<Record<string, string>>;
  /** Where boards find that folder; without a slash at the end. */
  readonly url: string;
}

export interface BoardPlan {
  readonly board: NetworkBoard;
  /** The boot folders in which the board looks. */
  readonly names: readonly string[];
  readonly folder: PiBootFolder;
  /** Missing where the bootloader is left alone. */
  readonly bootloader?: Pick<BootloaderInputs, "image" | "settings" | "downgrade">;
}

export type Planned =
  | { readonly ok: true; readonly plan: BootPlan }
  /** All that is wrong, for all boards, each with the way out. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Lays out what each board finds. Reads nothing but its arguments. */
export function planBoot({ server, boards }: Boot, lock: ArtifactLock): Planned {
  const problems = new Set<string>();
  const attempt = <T>(where: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.add(`${where}: ${error.message}`);
      return undefined;
    }
  };
  const system = attempt("boot.system", () => planSystem(server, lock));
  if (system === undefined) return { ok: false, problems: [...problems] };
  const planned = boards.map((board) => attempt(`boards.${board.name}`, () => planBoard(board, server, system, lock)));
  if (problems.size > 0) return { ok: false, problems: [...problems] };
  const plans = planned.filter((plan) => plan !== undefined);
  return { ok: true, plan: { system, boards: plans, warnings: plans.flatMap(warningsOf) } };
}

/**
 * What Alpine fetches by HTTP from its archive for Raspberry Pis: its kernel modules, under the name that their
 * signature is for, and the packages of a first boot with their signed index.
 */
function planSystem({ system, address, httpPort }: BootServer, lock: ArtifactLock): SystemPlan {
  const modules = "boot/modloop-rpi";
  const files = Object.entries(lockedFiles(lock, system))
    .filter(([path]) => path === modules || path.startsWith("apks/"))
    .map(([path, { sha256 }]): [string, string] => [path === modules ? "modloop-rpi" : path, sha256])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const generation = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const url = `http://${address}:${httpPort}/${systemTree}/${generation}`;
  return { generation, blobs: Object.fromEntries(files), url };
}

/** The folder below the HTTP root. */
export const systemTree = "system";

function planBoard(board: NetworkBoard, server: BootServer, { url }: SystemPlan, lock: ArtifactLock): BoardPlan {
  const facts = piModels[board.model];
  const folder = piBootFolder({
    model: board.model,
    files: systemFiles(lock, server.system, facts, board.overlays),
    settings: board.settings.map(parseConfigLine),
    dtoverlays: board.overlays,
    parameters: [...systemParameters(url), ...board.parameters.map(parameter)],
  });
  const names = boardFolders(board);
  if (board.bootloader === undefined) return { board, names, folder };
  const { downgrade } = board.bootloader;
  const bootloader = {
    image: lockedImage(lock, `pi-eeprom-${facts.chip}`),
    settings: bootConf(board.bootloader, facts, board.name, server),
    ...(downgrade === undefined ? {} : { downgrade }),
  };
  return { board, names, folder, bootloader };
}

function warningsOf({ board, bootloader }: BoardPlan): string[] {
  if (bootloader === undefined) return [];
  const { warnings } = checkBootConf(bootloader.settings, board.model, bootloader.image.version);
  return warnings.map(({ message }) => `boards.${board.name}.bootloader: ${message}`);
}

/** What Alpine's initramfs is told: where packages and kernel modules are. */
function systemParameters(systemUrl: string): readonly KernelParameter[] {
  return [
    ["modules", "loop,squashfs"],
    ["console", "tty1"],
    ["console", "serial0,115200"],
    ["ip", "dhcp"],
    ["panic", "30"], // boots again when the server did not answer, instead of waiting for somebody at a keyboard
    ["alpine_repo", `${systemUrl}/apks`],
    ["modloop", `${systemUrl}/modloop-rpi`],
  ];
}

/** One parameter as a person writes it. */
function parameter(written: string): KernelParameter {
  const at = written.indexOf("=");
  return at === -1 ? written : [written.slice(0, at), written.slice(at + 1)];
}

/**
 * Every folder that the board may ask for: by serial number, as it does when it comes from the factory, by MAC address
 * and by name. So it finds its files whatever its bootloader is set to at the time.
 */
function boardFolders({ name, serial, mac }: NetworkBoard): readonly string[] {
  return [
    tftpPrefix({ kind: "mac", mac }),
    tftpPrefix({ kind: "serial", serial }),
    tftpPrefix({ kind: "fixed", text: name }),
  ];
}

/** What a board boots, out of an archive that is laid out like Alpine's for Raspberry Pis. */
function systemFiles(
  lock: ArtifactLock,
  artifact: string,
  { firmware, deviceTrees, overlays }: PiModelFacts,
  asked: readonly string[],
): PiBootFolderInput["files"] {
  const there = lockedFiles(lock, artifact);
  const locked = (path: string) => lockedFile(lock, artifact, path);
  const named = (names: readonly string[]): Record<string, LockedFile> =>
    Object.fromEntries(names.map((name) => [name, locked(name)]));
  const overlay = (name: string): [string, LockedFile] => [`${name}.dtbo`, locked(`overlays/${name}.dtbo`)];
  const maps = ["overlay_map.dtb", "hat_map.dtb"].flatMap((name): [string, LockedFile][] => {
    const map = there[`overlays/${name}`];
    return map === undefined ? [] : [[name, map]];
  });
  const names = [...overlays, ...asked.map((line) => line.split(/[,:]/, 1)[0] ?? line)];
  return {
    firmware: named(firmware),
    kernel: locked("boot/vmlinuz-rpi"),
    initramfs: locked("boot/initramfs-rpi"),
    deviceTrees: named(deviceTrees),
    overlays: Object.fromEntries([...names.map(overlay), ...maps]),
  };
}

/** The pinned bootloader of a chip. @throws Error that says how to pin one. */
function lockedImage(lock: ArtifactLock, artifact: string): { readonly sha256: string; readonly version: string } {
  const { sha256 } = lockedFile(lock, artifact);
  return { sha256, version: lock.artifacts[artifact]?.version ?? "" };
}
