import { homeFolder, printGroup, printPasswd, printShadow } from "./alpine-accounts.ts";
import { layerMistakes, userConflicts } from "./alpine-layer-rules.ts";
import { type MergedLayers, mergeLayers, runlevels } from "./alpine-layers.ts";
import { printByLayer, printOrigins } from "./alpine-origins.ts";
import { togetherMistakes } from "./alpine-overlay-rules.ts";
import { disklessLayer, serviceMistakes } from "./alpine-services.ts";
import { byPath, overlayId } from "./apkovl.ts";

/** What a diskless Alpine system is made of, and how it is rendered into the entries of its overlay. */

export type Runlevel = "sysinit" | "boot" | "default" | "shutdown";

export interface SystemFile {
  readonly text: string;
  /** 0o644 if it is not said. */
  readonly mode?: number;
  /** root if it is not said. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Who may log in, by key. `root` is one of them, with uid 0. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  /** Besides the user's own, which is called as the user is. */
  readonly groups?: readonly string[];
  /** Lines of authorized_keys. */
  readonly keys?: readonly string[];
  readonly shell?: string;
}

export interface SystemLayer {
  /** Words of apk's world: name, name=1.2, name>3, !name. */
  readonly packages?: readonly string[];
  /** Names of services; `!name` takes one of an earlier layer away. */
  readonly services?: Partial<Readonly<Record<Runlevel, readonly string[]>>>;
  /** By absolute path. */
  readonly files?: Readonly<Record<string, SystemFile>>;
  readonly users?: readonly SystemUser[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Kernel modules to load at boot, each with its parameters. */
  readonly modules?: readonly string[];
}

export interface NamedLayer {
  /** As messages call it: base, role hypervisor, boards.pi1.image. */
  readonly name: string;
  readonly layer: SystemLayer;
}

export interface SystemFacts {
  readonly arch: "aarch64" | "x86_64";
  /** Date of the pinned Alpine release, as 2026-11-05: the age of every file. */
  readonly released: string;
}

/** One entry of an overlay, its path without leading slash. */
export type OverlayEntry = OverlayFile | OverlayLink;

export interface OverlayFile {
  readonly kind: "file";
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface OverlayLink {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

export interface RenderedSystem {
  /** By path, with etc/bramble/image, which holds the id. */
  readonly entries: readonly OverlayEntry[];
  /** SHA-256 over the other entries and their age, in hex. */
  readonly id: string;
  /** Words of etc/apk/world. */
  readonly world: readonly string[];
}

/** Where an image holds its own id. */
export const imageFile = "etc/bramble/image";

/**
 * The overlay of a diskless Alpine: what such a system needs in any case, and the layers on top of it, the first one
 * lowest. The same layers give the same entries in whatever order their maps and lists are.
 * @throws Error with all mistakes, one per line, each with its layer and key.
 */
export function renderSystem(layers: readonly NamedLayer[], facts: SystemFacts): RenderedSystem {
  const merged = mergeLayers([disklessLayer, ...layers]);
  const world = [...merged.packages.values()].map(({ value }) => value).sort();
  const entries = entriesOf(merged, world, facts);
  refuse([
    ...layers.flatMap(layerMistakes),
    ...userConflicts(layers),
    ...serviceMistakes(merged),
    ...togetherMistakes(entries).map(({ path, reason }) => {
      const from = merged.files.get(`/${path}`)?.from;
      return `${from === undefined ? "" : `${from}: files: `}${reason}`;
    }),
  ]);
  const id = overlayId(entries, facts.released);
  return { entries: withImageFile(entries, id), id, world };
}

/** Entries with the file that holds their id, by path. */
export function withImageFile(entries: readonly OverlayEntry[], id: string): OverlayEntry[] {
  return [...entries, file(imageFile, `${id}\n`)].sort(byPath);
}

function entriesOf(merged: MergedLayers, world: readonly string[], { arch }: SystemFacts): OverlayEntry[] {
  const users = [...merged.users.values()].map(({ value }) => value);
  const sysctls = [...merged.sysctls].map(([key, { value, from }]) => ({ line: `${key} = ${value}`, from }));
  const modules = [...merged.modules.values()].map(({ value, from }) => ({ line: value, from }));
  const entries: OverlayEntry[] = [
    ...[...merged.files].map(([path, { value }]) => file(path.slice(1), value.text, value)),
    ...runlevels.flatMap((runlevel) =>
      [...merged.services[runlevel].keys()].map((name): OverlayEntry => {
        return { kind: "link", path: `etc/runlevels/${runlevel}/${name}`, target: `/etc/init.d/${name}` };
      }),
    ),
    file("etc/apk/arch", `${arch}\n`),
    file("etc/apk/world", world.map((word) => `${word}\n`).join("")),
    file("etc/passwd", printPasswd(users)),
    file("etc/group", printGroup(users)),
    file("etc/shadow", printShadow(users), { mode: 0o640, gid: shadowGid }),
    ...users.flatMap(keysFile),
    file("etc/modules", printByLayer(modules)),
    ...(sysctls.length === 0 ? [] : [file("etc/sysctl.d/bramble.conf", printByLayer(sysctls))]),
    file("etc/bramble/layers", printOrigins(merged)),
    // Its age is where the clock of a board without one starts, so that certificates are valid from the beginning.
    file("var/lib/misc/openrc-shutdowntime", ""),
  ];
  return entries.sort(byPath);
}

/** Group shadow in Alpine's etc/group. */
const shadowGid = 42;

function keysFile({ name, uid, keys = [] }: SystemUser): OverlayEntry[] {
  if (keys.length === 0) return [];
  const text = [...new Set(keys)].sort().map((key) => `${key}\n`);
  return [file(`${homeFolder(name)}/.ssh/authorized_keys`, text.join(""), { mode: 0o600, uid, gid: uid })];
}

function file(path: string, text: string, { mode = 0o644, uid = 0, gid = 0 }: Partial<SystemFile> = {}): OverlayFile {
  return { kind: "file", path, text, mode, uid, gid };
}

function refuse(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw new Error([...new Set(mistakes)].join("\n"));
}
