import { type Folder, isTrouble, type Part } from "../transport/folder.ts";
import type { TreeFile } from "./contents.ts";
import { foldersAbove } from "./inputs.ts";
import { manifestSuffix, printVersion, storePath, treeFolder } from "./layout.ts";
import { noRoom, supply } from "./store.ts";
import { carriedOver, type Version } from "./versions.ts";

/** Files of an older version that need not be sent again. */
export interface Reusable {
  /** Path of the version. */
  readonly from: string;
  readonly paths: ReadonlySet<string>;
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
  const { tree, files, staying, generation, claim, versions } = plan;
  const name = printVersion({ number: (versions[0]?.number ?? 0) + 1, generation, claim });
  const version = `${treeFolder(tree)}/${name}`;
  const large = files.filter((file) => file.kind === "large");
  await supply(folder, large, tree);
  const own = new Set(files.map(({ path }) => path.split("/", 1)[0] ?? path));
  const carried = await carriedOver(folder, tree, staying, own);
  try {
    await folder.commit(partsOf(version, plan, carried));
    return name;
  } catch (error) {
    if (isTrouble(error, "lost")) throw error;
    // Makes room; if that fails too, the first error is the one to know.
    await folder.removeAll([version, `${version}${manifestSuffix}`]).catch(() => undefined);
    if (isTrouble(error, "full")) throw await shortOfRoom(folder, tree, files, error);
    throw error;
  }
}

/** All that a version is made of. The manifest is the last. */
function partsOf(version: string, { files, donor, manifest }: Plan, carried: ReadonlyMap<string, string>): Part[] {
  const folders = [...new Set(files.flatMap(({ path }) => foldersAbove(path)))];
  return [
    { kind: "folder", path: version },
    ...folders.map((path): Part => ({ kind: "folder", path: `${version}/${path}` })),
    ...[...carried].map(([name, target]): Part => ({ kind: "link", path: `${version}/${name}`, target })),
    ...files.map((file): Part => {
      const path = `${version}/${file.path}`;
      if (file.kind === "large") return { kind: "hard link", path, to: storePath(file.sha256) };
      if (donor.paths.has(file.path)) return { kind: "hard link", path, to: `${donor.from}/${file.path}` };
      return { kind: "file", path, content: file.content };
    }),
    { kind: "file", path: `${version}${manifestSuffix}`, content: Buffer.from(manifest) },
  ];
}

/** Where room is short although bytes are free (of inodes, say), the error stays as it is. */
async function shortOfRoom(folder: Folder, tree: string, files: readonly TreeFile[], error: Error): Promise<Error> {
  const needed = files.reduce((sum, file) => sum + (file.kind === "small" ? file.content.byteLength : 0), 0);
  const free = await folder.free();
  return free < needed ? noRoom(folder, tree, needed, free) : error;
}
