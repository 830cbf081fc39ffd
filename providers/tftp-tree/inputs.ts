import { checkTftpPath } from "../../formats/tftp-path.ts";
import type { BootloaderUpdate } from "../bootloader-config/inputs.ts";
import type { FolderServer } from "../transport/folder-server.ts";

/** A folder that boards boot from, and whose it is. */
export interface TreePlace {
  readonly server: FolderServer;
  /** Absolute path on the server. */
  readonly root: string;
  readonly owner: Owner;
}

/** The site that a folder belongs to. The id tells two sites of one name apart. */
export interface Owner {
  readonly site: string;
  readonly id: string;
}

/** All that one board finds in its boot folder. */
export interface TftpTreeInputs extends TreePlace {
  /** What the tree is called; one word, the board's name. */
  readonly tree: string;
  /** The folders below the root in which it is seen. */
  readonly names: readonly string[];
  /** Hex; another one for another content. */
  readonly generation: string;
  /** Small texts by path. In paths and texts, `{generation}` stands for the generation. */
  readonly files: Readonly<Record<string, string>>;
  /** SHA-256 of other files by path; their bytes come from the artifact cache. */
  readonly blobs: Readonly<Record<string, string>>;
  /** A bootloader update to lie beside them. It is no part of the generation. */
  readonly update?: BootloaderUpdate;
  /** The machine that it is for, by its serial number. One that was put in the place of another finds only its own names. */
  readonly device?: string;
  /** How many generations stay on the server, with the one that is served. */
  readonly keep: number;
}

/** What there is to know of a tree that was published, to look at it and to remove it. */
export interface PublishedTree extends TreePlace {
  readonly tree: string;
  readonly names: readonly string[];
  /** Names of before, in which it is still seen. */
  readonly lingering: readonly string[];
  /** The generation that was wanted last; missing of images. */
  readonly generation?: string;
  /** The folder of the served version. */
  readonly version: string;
  /** SHA-256 of the list of its files. */
  readonly manifest: string;
  /** Tells this resource from another one that has taken over the tree. */
  readonly claim: string;
  /** What the last refresh found to be other than published. */
  readonly drift: readonly string[];
}

/** What the state holds of a tree. Its texts are in the inputs. */
export interface TftpTreeOutputs extends PublishedTree {
  readonly schemaVersion: 1;
  readonly generation: string;
  /** Tells these inputs from others. */
  readonly digest: string;
  readonly keep: number;
  /** The time of the bootloader update that lies beside them, in seconds since 1970; 0 if there is none. */
  readonly updateTime: number;
  readonly device: string;
}

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What stands for any value that a preview does not know yet, whatever its type. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** How many generations are kept unless it is said. */
export const defaultKeep = 3;

/** All that is wrong with what a tree should be; nothing is asked of the server. */
export function checkInputs(inputs: TftpTreeInputs): CheckFailure[] {
  const { root, tree, names, generation, files, blobs, keep } = inputs;
  const paths = [...Object.keys(files), ...Object.keys(blobs)];
  const found: (CheckFailure | undefined)[] = [
    fails("root", !/^\/[^\0\n]*[^/]$/.test(root) || root.split("/").includes(".."), () => {
      return `${JSON.stringify(root)} is no absolute path of a folder: write it as /srv/tftp`;
    }),
    fails("tree", !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(tree), () => `${JSON.stringify(tree)} is not one plain word`),
    ...names.map((name) => fails("names", nameProblem(name) !== undefined, () => nameProblem(name) ?? "")),
    ...repeated(names).map((name) => ({ property: "names", reason: `${JSON.stringify(name)} is there twice` })),
    fails("names", names.length === 0, () => "there is none: without a name no board finds the folder"),
    fails("generation", !/^[0-9a-f]{8,64}$/.test(generation), () => {
      return `${JSON.stringify(generation)} is not 8 to 64 hex digits in lower case`;
    }),
    fails("keep", !Number.isInteger(keep) || keep < 1, () => `${keep} is no number of generations: give 1 or more`),
    ...Object.keys(files).map((path) => pathFailure("files", path)),
    ...Object.keys(blobs).map((path) => pathFailure("blobs", path)),
    ...Object.entries(blobs).map(([path, sha256]) =>
      fails("blobs", sha256 !== unknownValue && !/^[0-9a-f]{64}$/.test(sha256), () => {
        return `${path}: ${JSON.stringify(sha256)} is no SHA-256 in hex`;
      }),
    ),
    ...repeated(paths).map((path) => ({ property: "blobs", reason: `${path} is given as a text and as a file` })),
    ...foldersThatAreFiles(paths).map((path) => ({
      property: "files",
      reason: `${path} is a file, and other files lie in a folder of that name`,
    })),
  ];
  return found.filter((failure) => failure !== undefined);
}

function fails(property: string, wrong: boolean, reason: () => string): CheckFailure | undefined {
  return wrong ? { property, reason: reason() } : undefined;
}

function pathFailure(property: string, path: string): CheckFailure | undefined {
  const reason = checkTftpPath(path);
  return reason === undefined ? undefined : { property, reason };
}

function nameProblem(name: string): string | undefined {
  const shown = JSON.stringify(name);
  if (name.includes("/")) return `${shown} is more than one folder: boards ask for one`;
  if (name.startsWith(".")) return `${shown} begins with a dot: such names are Bramble's own`;
  return checkTftpPath(name);
}

function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function foldersThatAreFiles(paths: readonly string[]): string[] {
  const folders = new Set(paths.flatMap(foldersAbove));
  return paths.filter((path) => folders.has(path));
}

/** The folders that a path goes through, the topmost first: a and a/b for a/b/c. */
export function foldersAbove(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
