import { signatureFile, updateFile } from "../bootloader-config/update.ts";
import { sha256Of } from "../digest.ts";
import type { Folder } from "../transport/folder.ts";
import type { TreeFile } from "./contents.ts";
import type { Owner } from "./inputs.ts";
import { currentLink, manifestSuffix, parseVersion, shortGeneration, storePath, treeFolder } from "./layout.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import type { Publication } from "./publish.ts";
import { listVersions } from "./versions.ts";

/** The files that a bootloader acts on by itself: an older one must never come back with an older version. */
const updates: ReadonlySet<string> = new Set([updateFile, signatureFile]);

/** Whether a file of a tree belongs to a bootloader update. */
export function isOfUpdate({ path }: { readonly path: string }): boolean {
  return updates.has(path);
}

/** The server does not have that generation of a tree any more, or only with other bytes. */
export class NotThere extends Error {}

/** A tree that is to serve a generation that it had before. */
export interface Return {
  readonly owner: Owner;
  readonly tree: string;
  readonly generation: string;
  /** How many generations stay. */
  readonly keep: number;
}

/**
 * What makes a server serve a generation of a tree that it still has, with the bootloader update that is served now, or
 * none. Nothing of it has to be sent. @throws NotThere
 */
export async function returnTo(folder: Folder, { owner, tree, generation, keep }: Return): Promise<Publication> {
  const served = (await folder.readLink(currentLink(tree)))?.split("/").at(-1) ?? "";
  const claim = parseVersion(served)?.claim;
  if (claim === undefined) throw new NotThere(`${folder.where}: nothing is published for ${tree}`);
  const update = [...(await manifestOf(folder, tree, served))].filter(([path]) => isOfUpdate({ path }));
  const current = await Promise.all(update.map(([path, sha256]) => found(folder, tree, [served], path, sha256)));
  const files = await filesOfBefore(folder, tree, generation, current);
  return { owner, tree, names: [], dropped: [], generation, files, keep, claim, isNew: false, distrust: true };
}

/**
 * The files of a generation that the server still has, with these of a bootloader update in place of its own.
 * @throws NotThere
 */
export async function filesOfBefore(
  folder: Folder,
  tree: string,
  generation: string,
  update: readonly TreeFile[],
): Promise<TreeFile[]> {
  const versions = (await listVersions(folder, tree)).filter(
    (version) => version.complete && version.generation === shortGeneration(generation),
  );
  const [newest] = versions;
  if (newest === undefined)
    throw new NotThere(
      `${folder.where}: ${tree} has no version ${generation} there any more, so it can't be served again. If a rollout ` +
        `holds ${tree} back, \`rollout --release ${tree}\` ends that`,
    );
  const names = versions.map(({ name }) => name);
  const own = [...(await manifestOf(folder, tree, newest.name))].filter(([path]) => !isOfUpdate({ path }));
  const files = await Promise.all(own.map(([path, sha256]) => found(folder, tree, names, path, sha256)));
  return [...files, ...update].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function manifestOf(folder: Folder, tree: string, version: string): Promise<Manifest> {
  const text = await folder.read(`${treeFolder(tree)}/${version}${manifestSuffix}`);
  return parseManifest(text?.toString("utf8") ?? "");
}

/** A file that some version has; what is small is looked for among them, since somebody may have edited one. */
async function found(
  folder: Folder,
  tree: string,
  versions: readonly string[],
  path: string,
  sha256: string,
): Promise<TreeFile> {
  const damaged = () => new NotThere(`${folder.where}: ${path} of an older version of ${tree} was changed there`);
  if ((await folder.stat(storePath(sha256))) !== undefined)
    return { kind: "large", path, sha256, source: () => Promise.reject(damaged()) };
  for (const version of versions) {
    const content = await folder.read(`${treeFolder(tree)}/${version}/${path}`);
    if (content !== undefined && sha256Of(content) === sha256) return { kind: "small", path, sha256, content };
  }
  throw damaged();
}
