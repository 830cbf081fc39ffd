import { imagePath } from "../formats/apkovl.ts";
import {
  type ArtifactLock,
  type LockedFile,
  lockedArtifact,
  lockedFile,
  lockedFiles,
  updateCommand,
} from "../formats/artifact-lock.ts";
import { checkBootConf } from "../formats/bootconf.ts";
import type { KernelParameter } from "../formats/cmdline-txt.ts";
import { parseConfigLine } from "../formats/config-txt.ts";
import {
  generationPlaceholder,
  type PiBootFolder,
  type PiBootFolderInput,
  piBootFolder,
} from "../formats/pi-boot-folder.ts";
import { type PiModelFacts, piModels, tftpPrefix } from "../formats/raspberry-pi.ts";
import type { BootloaderInputs } from "../providers/bootloader-config/inputs.ts";
import type { Boot, BootServer, NetworkBoard, Site } from "../site/model.ts";
import type { Finding, Path } from "../site/problem.ts";
import { type BoardAccess, type BoardImage, boardImage, profileOf } from "./board-image.ts";
import { seedFiles, seedFolder } from "./board-seed.ts";
import { bootConf } from "./boot-conf.ts";
import { type HttpTree, httpTreeUrl, httpUrl, packageTree, repositories, systemTree } from "./http-plan.ts";

/** All that a site's boards boot, worked out from the site and the lock before anything is asked of the engine. */
export interface BootPlan {
  /** What all boards fetch by HTTP. */
  readonly trees: readonly HttpTree[];
  /** One for each profile. */
  readonly images: readonly BoardImage[];
  /** When the system was released that boards boot; the age of what is in the images. */
  readonly released: string;
  readonly boards: readonly BoardPlan[];
  /** What bootloaders will not do, though it is asked of them. */
  readonly warnings: readonly string[];
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
  | { readonly ok: true; readonly plan?: BootPlan }
  /** All that is wrong, for all boards. */
  | { readonly ok: false; readonly problems: readonly Finding[] };

/** What a plan is made from, besides the site. */
export interface PlanInputs {
  readonly lock: ArtifactLock;
  readonly access: BoardAccess;
  /** Tells two sites of one name apart. */
  readonly siteId: string;
}

/** A clock floor for a system whose release date the lock does not have. */
const releasedBefore = "2020-01-01";

/** What the boards of a site boot; nothing where none boots over the network. Reads nothing but its arguments. */
export function planSite(site: Site, inputs: PlanInputs): Planned {
  const { boot } = site;
  return boot === undefined ? { ok: true } : planBoot({ ...site, boot }, inputs);
}

function planBoot(site: Site & { readonly boot: Boot }, inputs: PlanInputs): Planned {
  const { server, boards } = site.boot;
  const { lock } = inputs;
  const found = new Problems();
  const modules = found.attempt(["boot", "system"], () => systemTree(server, lock));
  const packages = found.attempt(["boot", "packages"], () => packageTree(server, lock));
  const released = lock.artifacts[server.system]?.released ?? releasedBefore;
  const images = new Map<string, BoardImage>();
  for (const board of boards) {
    const profile = profileOf(board);
    if (images.has(profile)) continue;
    const image = found.ofLayers(board, () => boardImage(board, inputs.access, site.network, released));
    if (image === undefined) continue;
    images.set(profile, image);
    if (packages !== undefined) found.add(unpinned(board, image, server, lock));
  }
  if (modules === undefined || packages === undefined) return { ok: false, problems: found.all() };
  const common = { site, inputs, modules, packages, images };
  const plans = boards.map((board) => found.attempt(["boards", board.name], () => planBoard(board, common)));
  const problems = found.all();
  if (problems.length > 0) return { ok: false, problems };
  const planned = plans.filter((plan) => plan !== undefined);
  return {
    ok: true,
    plan: {
      trees: [modules, packages],
      images: [...images.values()],
      released,
      boards: planned,
      warnings: planned.flatMap(warningsOf),
    },
  };
}

/** Collects what is wrong, each mistake once. */
class Problems {
  readonly #found = new Map<string, Finding>();

  all(): Finding[] {
    return [...this.#found.values()];
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) this.#found.set(`${finding.path.join(".")} ${finding.message}`, finding);
  }

  /** The result of some work; what it throws is a problem at a place in the site file. */
  attempt<T>(path: Path, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const message = `${path.join(".")}: ${error.message}`;
      this.add([{ rule: "cannot-boot", path, at: "key", message, hint: "" }]);
      return undefined;
    }
  }

  /** The same for an image: each line of what is thrown begins with the layer that it is about. */
  ofLayers<T>(board: NetworkBoard, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.add(error.message.split("\n").map((message) => imageProblem(board, message)));
      return undefined;
    }
  }
}

function imageProblem({ name, layers }: NetworkBoard, message: string): Finding {
  const layer = layers.find(({ at }) => message.startsWith(`${at}: `));
  if (layer === undefined) return { rule: "bad-image", path: ["boards", name], at: "key", message, hint: "" };
  const key = /^: (\w+)/.exec(message.slice(layer.at.length))?.[1];
  return { rule: "bad-image", path: key === undefined ? layer.path : [...layer.path, key], message, hint: "" };
}

/** Packages of an image that the lock was not made for: they would be missing on the board, without a word. */
function unpinned(board: NetworkBoard, { rendered }: BoardImage, server: BootServer, lock: ArtifactLock): Finding[] {
  const artifact = lockedArtifact(lock, server.packages);
  const pinned = new Set("world" in artifact ? artifact.world : []);
  const missing = rendered.world.filter((word) => !pinned.has(word));
  return missing.map((word): Finding => {
    const layer = board.layers.find(({ packages }) => packages.includes(word));
    const path = layer === undefined ? ["boards", board.name] : [...layer.path, "packages"];
    const item = layer?.packages.indexOf(word);
    const message = `${path.join(".")}: the package ${word} is not among those that are pinned`;
    const hint = `run \`${updateCommand(server.packages)}\`, which finds it or says which one may be meant`;
    return { rule: "package-not-pinned", path: item === undefined ? path : [...path, item], message, hint };
  });
}

interface Common {
  readonly site: Site & { readonly boot: Boot };
  readonly inputs: PlanInputs;
  readonly modules: HttpTree;
  readonly packages: HttpTree;
  readonly images: ReadonlyMap<string, BoardImage>;
}

function planBoard(board: NetworkBoard, common: Common): BoardPlan {
  const { server } = common.site.boot;
  const { lock, siteId } = common.inputs;
  const facts = piModels[board.model];
  const folder = piBootFolder({
    model: board.model,
    files: systemFiles(lock, server.system, facts, board.overlays),
    settings: board.settings.map(parseConfigLine),
    dtoverlays: board.overlays,
    parameters: [...systemParameters(board, common), ...board.parameters.map(parameter)],
    texts: seedFiles(board, server, common.site, siteId),
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

/** What Alpine's initramfs is told, and after it the board's own services. */
function systemParameters(board: NetworkBoard, { site, modules, packages, images }: Common): KernelParameter[] {
  const { server } = site.boot;
  const image = images.get(profileOf(board));
  const [folder = board.name] = boardFolders(board);
  const seed = `${httpUrl(server)}/boards/${folder}/${generationPlaceholder}/${seedFolder}`;
  return [
    ["modules", "loop,squashfs"],
    ["console", "tty1"],
    ["console", "serial0,115200"],
    ["ip", "dhcp"],
    ["panic", "30"], // boots again when the server did not answer, instead of waiting for somebody at a keyboard
    ["alpine_repo", repositories(server, packages)],
    ["modloop", `${httpTreeUrl(server, modules)}/modloop-rpi`],
    // Without an image, which is a mistake that is reported, the rest is still looked at for others.
    ...(image === undefined ? [] : imageParameters(server, image)),
    ["bramble.seed", seed],
    ["ds", `nocloud;s=${seed}/`],
    ...(board.role === "worker" ? memoryCgroup : []),
  ];
}

/** A Pi's own device tree turns off what holds containers to their memory. */
const memoryCgroup: readonly KernelParameter[] = [
  ["cgroup_enable", "memory"],
  ["cgroup_memory", "1"],
];

function imageParameters(server: BootServer, { profile, rendered }: BoardImage): KernelParameter[] {
  return [
    ["apkovl", `${httpUrl(server)}/${imagePath(profile, rendered.id)}`],
    ["bramble.image", rendered.id],
  ];
}

/** One parameter as a person writes it. */
function parameter(written: string): KernelParameter {
  const at = written.indexOf("=");
  return at === -1 ? written : [written.slice(0, at), written.slice(at + 1)];
}

/**
 * Every folder that the board may ask for: by MAC address, by serial number, as it does when it comes from the factory,
 * and by name. So it finds its files whatever its bootloader is set to at the time.
 */
export function boardFolders({ name, serial, mac }: NetworkBoard): readonly string[] {
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
