import { type Folder, FolderError, isTrouble } from "../transport/folder.ts";
import type { LargeFile, SmallFile, TreeFile } from "./contents.ts";
import { foldersAbove } from "./inputs.ts";
import { manifestSuffix, printVersion, storePath, treeFolder } from "./layout.ts";
import { noRoom, supply } from "./store.ts";
import { carriedOver, type Version } from "./versions.ts";

/** Files of an older version that need not be sent again. */
export interface Reusable {
  /** Path of the version. */
  readonly from: string;
  readonly paths: ReadonlySet<string>;
  /** Whether its manifest is the right one. */
  readonly manifest: boolean;
  /** Whether the version has all that is wanted, and nothing else. */
  readonly all: boolean;
}

export interface Plan {
  readonly tree: string;
  readonly generation: string;
  readonly claim: string;
  readonly files: readonly TreeFile[];
  readonly manifest: string;
  readonly donor: Reusable;
  /** All that are there, the newest first. */
  readonly versions: readonly Version[];
  /** Those that the new one shows parts of. */
  readonly staying: readonly Version[];
}

/**
 * Makes a version of a tree beside the others, and writes it to the disk; nothing refers to it yet. @returns its name.
 * @throws Error that says how much room is needed and there, when it is too little; what was made is removed then.
 */
export async function build(folder: Folder, plan: Plan): Promise<string> {
  const { tree, files, donor, staying, manifest } = plan;
  const name = await makeVersion(folder, plan);
  const version = `${treeFolder(tree)}/${name}`;
  try {
    await folder.makeFolders(foldersOf(files).map((path) => `${version}/${path}`));
    const own = new Set(files.map(({ path }) => path.split("/", 1)[0] ?? path));
    const carried = await carriedOver(folder, tree, staying, own);
    const large = files.filter((file) => file.kind === "large");
    await allOf([
      placeManifest(folder, version, manifest, donor),
      placeLarge(folder, tree, version, large),
      ...files.map((file) => (file.kind === "small" ? placeSmall(folder, version, file, donor) : undefined)),
      ...[...carried].map(([link, target]) => folder.makeLink(`${version}/${link}`, target)),
    ]);
    await folder.commit();
    return name;
  } catch (error) {
    if (isTrouble(error, "lost")) throw error;
    // Makes room; if that fails too, the first error is the one to know.
    await folder.removeAll([version, `${version}${manifestSuffix}`]).catch(() => undefined);
    await folder.removeEmpty(treeFolder(tree)).catch(() => undefined);
    if (isTrouble(error, "full")) throw await shortOfRoom(folder, tree, files, error);
    throw error;
  }
}

/** Waits for all, also when one of them fails: what is to be cleared away must not grow any more. */
async function allOf(work: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function makeVersion(folder: Folder, { tree, generation, claim, versions }: Plan): Promise<string> {
  for (let number = (versions[0]?.number ?? 0) + 1; ; number++) {
    const name = printVersion({ number, generation, claim });
    if (await folder.makeFolder(`${treeFolder(tree)}/${name}`)) return name;
  }
}

/** The folders of a tree, each after the one that it lies in. */
function foldersOf(files: readonly TreeFile[]): string[] {
  return [...new Set(files.flatMap(({ path }) => foldersAbove(path)))];
}

async function placeLarge(folder: Folder, tree: string, version: string, files: readonly LargeFile[]): Promise<void> {
  const missing = await linkAll(folder, version, files);
  if (missing.length === 0) return;
  await supply(folder, missing, tree);
  const [still] = await linkAll(folder, version, missing);
  if (still === undefined) return;
  const said = "it was put there and is gone: does somebody clean up there?";
  throw new FolderError(folder.where, `link ${storePath(still.sha256)}`, "absent", said);
}

/** @returns those that the store does not have. */
async function linkAll(folder: Folder, version: string, files: readonly LargeFile[]): Promise<LargeFile[]> {
  const made = await Promise.all(files.map(({ path, sha256 }) => folder.link(storePath(sha256), `${version}/${path}`)));
  return files.filter((_, index) => !made[index]);
}

async function placeSmall(folder: Folder, version: string, file: SmallFile, donor: Reusable): Promise<void> {
  const path = `${version}/${file.path}`;
  const isThere = donor.paths.has(file.path) && (await folder.link(`${donor.from}/${file.path}`, path));
  if (!isThere) await folder.write(path, file.content);
}

async function placeManifest(folder: Folder, version: string, manifest: string, donor: Reusable): Promise<void> {
  const path = `${version}${manifestSuffix}`;
  const isThere = donor.manifest && (await folder.link(`${donor.from}${manifestSuffix}`, path));
  if (!isThere) await folder.write(path, Buffer.from(manifest));
}

/** Where room is short although bytes are free (of inodes, say), the error stays as it is. */
async function shortOfRoom(folder: Folder, tree: string, files: readonly TreeFile[], error: Error): Promise<Error> {
  const needed = files.reduce((sum, file) => sum + (file.kind === "small" ? file.content.byteLength : 0), 0);
  const free = await folder.free();
  return free < needed ? noRoom(folder, tree, needed, free) : error;
}
