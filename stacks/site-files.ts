import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SiteResult } from "../site/read.ts";
import { readLayers } from "./read-base.ts";

/** Which site files of a folder have which as a base, near or far: paths of sites by the path of the base. */
export type Bases = ReadonlyMap<string, readonly string[]>;

/** Names of the site files in a folder, none where there is no folder. Stack files are beside them and are none. */
export async function siteFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith("Pulumi.")).sort();
}

/** Looks at all site files of a folder for their bases. One that can't be read has none, and is said where it is used. */
export async function basesIn(folder: string): Promise<Bases> {
  const bases = new Map<string, string[]>();
  for (const name of await siteFilesIn(folder)) {
    const path = join(folder, name);
    const { files } = await readLayers(folder, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === undefined) throw error;
      return { files: [] };
    });
    for (const base of files) if (base !== path) bases.set(base, [...(bases.get(base) ?? []), path]);
  }
  return bases;
}

/**
 * Whether a file is a part of sites and none by itself: others are based on it, and it has not all that a site needs.
 * Such a file is right or wrong in the sites that it is a part of.
 */
export function isPart(path: string, result: SiteResult, bases: Bases): boolean {
  return bases.has(path) && !result.ok && result.problems.some(({ rule }) => rule === "missing-key");
}
