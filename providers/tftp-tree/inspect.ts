import type { Entry, Folder } from "../transport/folder.ts";
import type { Manifest } from "./manifest.ts";
import { hashStored } from "./store.ts";
import { carriedNames } from "./versions.ts";

/** A file of a version that is not as it should be. */
export interface Difference {
  readonly path: string;
  readonly what: "changed" | "missing" | "foreign";
}

/**
 * Compares a version with its manifest. Of files that have their second name in the store, only the one there is hashed,
 * once for all trees; all others are hashed.
 */
export async function differences(folder: Folder, version: string, manifest: Manifest): Promise<Difference[]> {
  const found = await walk(folder, version);
  const stored = await hashStored(folder, [...manifest.values()]);
  const files = [...manifest.keys()].filter((path) => found.get(path)?.kind === "file");
  const identities = await folder.identities(files.map((path) => `${version}/${path}`));
  const identity = new Map(files.map((path, index) => [path, identities[index]]));
  const unknown: string[] = [];
  const differing: Difference[] = [];
  for (const [path, sha256] of manifest) {
    const entry = found.get(path);
    const hashed = stored.get(sha256);
    if (entry === undefined) differing.push({ path, what: "missing" });
    else if (entry.kind !== "file" || (entry.mode & 0o004) === 0) differing.push({ path, what: "changed" });
    else if (hashed?.state !== "right" || hashed.identity !== identity.get(path)) unknown.push(path);
  }
  const hashes = await folder.sha256(unknown.map((path) => `${version}/${path}`));
  unknown.forEach((path, index) => {
    if (hashes[index] !== manifest.get(path)) differing.push({ path, what: "changed" });
  });
  for (const path of found.keys()) if (!manifest.has(path)) differing.push({ path, what: "foreign" });
  return differing.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** All of a version that is no folder, and empty folders, by path; without what it shows of older ones. */
async function walk(folder: Folder, version: string): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>();
  const visit = async (entries: readonly Entry[], above: string): Promise<void> => {
    await Promise.all(
      entries.map(async (entry) => {
        const path = above === "" ? entry.name : `${above}/${entry.name}`;
        const inside = entry.kind === "folder" ? ((await folder.list(`${version}/${path}`)) ?? []) : [];
        if (inside.length > 0) await visit(inside, path);
        else found.set(path, entry);
      }),
    );
  };
  const top = (await folder.list(version)) ?? [];
  const carried = await carriedNames(folder, version, top);
  await visit(
    top.filter(({ name }) => !carried.has(name)),
    "",
  );
  return found;
}
