import { contentMistakes, pathMistake } from "./alpine-file-rules.ts";
import { runlevels } from "./alpine-layers.ts";
import { isServiceName } from "./alpine-services.ts";
import type { OverlayEntry, OverlayFile, OverlayLink } from "./alpine-system.ts";
import { octal } from "./alpine-wording.ts";

export interface OverlayMistake {
  readonly path: string;
  /** With the path in it. */
  readonly reason: string;
}

/** Most bytes of text in an image: it is fetched in one try, read into RAM and unpacked there. */
export const mostBytes = 2_000_000;

/** All that is wrong with an overlay, whoever made it (rules of reference "Alpine diskless" §2.3). */
export function overlayMistakes(entries: readonly OverlayEntry[]): OverlayMistake[] {
  const paths = entries.map(({ path }) => path);
  const twice = paths.filter((path, index) => paths.indexOf(path) !== index);
  return [
    ...entries.flatMap(entryMistakes),
    ...twice.map((path) => ({ path, reason: `/${path} is there twice` })),
    ...togetherMistakes(entries),
  ];
}

/** What is wrong with entries that may each be right. */
export function togetherMistakes(entries: readonly OverlayEntry[]): OverlayMistake[] {
  const paths = entries.map(({ path }) => path);
  const known = new Set(paths);
  const files = entries.filter((entry) => entry.kind === "file");
  return [
    ...paths.flatMap((path) => {
      const parts = path.split("/");
      const above = parts.map((_, index) => parts.slice(0, index).join("/")).find((folder) => known.has(folder));
      if (above === undefined) return [];
      return [{ path, reason: `/${path} lies in /${above}, which is a file: rename one of them` }];
    }),
    ...files.flatMap((file) => scriptMistake(file, known)),
    ...homeMistakes(files),
    ...sizeMistakes(files),
  ];
}

function entryMistakes(entry: OverlayEntry): OverlayMistake[] {
  const { path } = entry;
  const shape = pathMistake(`/${path}`);
  if (shape !== undefined) return [{ path, reason: shape }];
  const reasons = entry.kind === "link" ? linkMistakes(entry) : fileMistakes(entry);
  return reasons.map((reason) => ({ path, reason: `/${path} ${reason}` }));
}

function linkMistakes({ path, target }: OverlayLink): string[] {
  const [etc, folder, runlevel, name = "", ...rest] = path.split("/");
  const isService = etc === "etc" && folder === "runlevels" && rest.length === 0 && isServiceName(name);
  if (!isService) return ["is a link, and only services in /etc/runlevels are links: make it a file"];
  if (!runlevels.some((known) => known === runlevel)) return [`is in no runlevel: there are ${runlevels.join(", ")}`];
  return target === `/etc/init.d/${name}` ? [] : [`leads to ${JSON.stringify(target)}: it must be /etc/init.d/${name}`];
}

function fileMistakes(file: OverlayFile): string[] {
  if (file.path.startsWith("etc/runlevels/")) return ["is a file: services are links to /etc/init.d"];
  if (file.path !== "etc/shadow") return contentMistakes(file.path, file);
  const open = file.text.split("\n").filter((row) => row !== "" && row.split(":")[1] !== "*");
  const found = open.map((row) => `has another field than * for ${row.split(":", 1)[0]}: an image has no passwords`);
  if (!/^root:/m.test(file.text)) found.push("has no row for root");
  return file.mode === 0o640 && file.gid === 42
    ? found
    : [...found, "must be of root and shadow (0:42) with mode 0640"];
}

/** A script that OpenRC is to run, itself or by its service `local`. It passes over one that is not executable. */
function scriptMistake({ path, mode }: OverlayFile, known: ReadonlySet<string>): OverlayMistake[] {
  if (mode === 0o755) return [];
  const name = /^etc\/init\.d\/([^/]+)$/.exec(path)?.[1];
  const isService = name !== undefined && runlevels.some((runlevel) => known.has(`etc/runlevels/${runlevel}/${name}`));
  if (!isService && !/^etc\/local\.d\/[^/]+\.(start|stop)$/.test(path)) return [];
  return [{ path, reason: `/${path} is not run with the mode ${octal(mode)}: give it 0755` }];
}

/** Files below one home belong to one user: its folders can have one owner only. */
function homeMistakes(files: readonly OverlayFile[]): OverlayMistake[] {
  const owners = new Map<string, OverlayFile>();
  return files.flatMap((file) => {
    const home = /^home\/([^/]+)\//.exec(file.path)?.[1];
    if (home === undefined) return [];
    const first = owners.get(home) ?? file;
    owners.set(home, first);
    if (first.uid === file.uid && first.gid === file.gid) return [];
    const said = `/${file.path} belongs to ${file.uid}:${file.gid}, and /${first.path} to ${first.uid}:${first.gid}`;
    return [{ path: file.path, reason: `${said}: give all in /home/${home} one owner` }];
  });
}

function sizeMistakes(files: readonly OverlayFile[]): OverlayMistake[] {
  const sizes = files.map(({ path, text }) => ({ path, bytes: Buffer.byteLength(text) }));
  const all = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const [largest] = sizes.sort((a, b) => b.bytes - a.bytes);
  if (largest === undefined || all <= mostBytes) return [];
  const reason =
    `/${largest.path} is the largest file with ${largest.bytes} bytes, and all have ${all}: an image is read into RAM, ` +
    `and holds up to ${mostBytes}. Make a package of it, or leave it out`;
  return [{ path: largest.path, reason }];
}
