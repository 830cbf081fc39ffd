import { randomUUID } from "node:crypto";
import type { Entry, Folder } from "../transport/folder.ts";
import {
  incomingFolder,
  manifestSuffix,
  parseVersion,
  shortGeneration,
  treeFolder,
  type VersionName,
} from "./layout.ts";
import { graceMinutes } from "./store.ts";

/** A version of a tree that is on the server. */
export interface Version extends VersionName {
  readonly name: string;
  /** Whether its manifest is there. One without was cut off early; one with it may still lack files if it was never served. */
  readonly complete: boolean;
  /** Seconds since 1970, by the server's clock. */
  readonly modified: number;
}

/** The versions of a tree, the newest first. */
export async function listVersions(folder: Folder, tree: string): Promise<Version[]> {
  const entries = (await folder.list(treeFolder(tree))) ?? [];
  const names = new Set(entries.map(({ name }) => name));
  return entries
    .flatMap(({ name, modified }) => {
      const parsed = parseVersion(name);
      if (parsed === undefined) return [];
      return [{ ...parsed, name, complete: names.has(`${name}${manifestSuffix}`), modified }];
    })
    .sort((a, b) => b.number - a.number);
}

/**
 * Divides the versions of before into those that stay and those that can go: of the latest generations, as many as are
 * to be kept besides the new one, stays one version each. What another process may be making stays too.
 * @param served name of the version that was served until now
 * @param now seconds since 1970, by the server's clock
 */
export function divideVersions(
  versions: readonly Version[],
  served: string | undefined,
  generation: string,
  keep: number,
  now: number,
): { readonly staying: Version[]; readonly leaving: Version[] } {
  const generations = new Set([shortGeneration(generation)]);
  const inOrder = [
    ...versions.filter(({ name }) => name === served),
    ...versions.filter(({ name }) => name !== served),
  ];
  const staying = inOrder.filter((version) => {
    const counts = version.complete && !generations.has(version.generation) && generations.size < keep;
    if (counts) generations.add(version.generation);
    return counts || now - version.modified < graceMinutes * 60;
  });
  return { staying, leaving: versions.filter((version) => !staying.includes(version)) };
}

/** The time by the server's clock, as it writes it to what is made there; seconds since 1970. */
export async function serverTime(folder: Folder): Promise<number> {
  const path = `${incomingFolder}/clock-${randomUUID()}`;
  await folder.makeFolder(path);
  const made = await folder.stat(path);
  await folder.removeEmpty(path);
  if (made === undefined) throw new Error(`${folder.where}: ${path} is gone: does somebody clean up there?`);
  return made.modified;
}

/**
 * The links by which a new version shows what older ones have under names of their own (generations, firmware), so that
 * a board in the middle of a boot finds the rest of what it began with: names, and where they lead.
 */
export async function carriedOver(
  folder: Folder,
  tree: string,
  staying: readonly Version[],
  own: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const complete = staying.filter((version) => version.complete);
  const listed = await Promise.all(complete.map(({ name }) => folder.list(`${treeFolder(tree)}/${name}`)));
  const links = new Map<string, string>();
  complete.forEach((version, index) => {
    for (const { name, kind } of listed[index] ?? []) {
      if (kind === "link" || own.has(name) || links.has(name) || !isNamedByContent(name)) continue;
      links.set(name, `../${version.name}/${name}`);
    }
  });
  return links;
}

/** The names in a version that are links into other ones. */
export async function carriedNames(
  folder: Folder,
  versionFolder: string,
  top: readonly Entry[],
): Promise<ReadonlySet<string>> {
  const links = top.filter(({ kind }) => kind === "link");
  const targets = await Promise.all(links.map(({ name }) => folder.readLink(`${versionFolder}/${name}`)));
  return new Set(
    links.flatMap(({ name }, index) => {
      const [up, version, rest] = targets[index]?.split("/", 3) ?? [];
      return up === ".." && parseVersion(version ?? "") !== undefined && rest === name ? [name] : [];
    }),
  );
}

/**
 * Whether a name says what is in it: a generation, or firmware like s4a1b2c3.elf (formats/pi-boot-folder.ts). Of all
 * else a new version shows only its own: a bootloader acts on files that it finds, such as a pieeprom.upd of before.
 */
function isNamedByContent(name: string): boolean {
  return /^[0-9a-f]{8,64}$/.test(name) || /^[a-z]4[0-9a-f]{6}\.[a-z]+$/.test(name);
}
