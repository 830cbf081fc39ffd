import type { BootloaderUpdate } from "../bootloader-config/inputs.ts";
import { sha256Of } from "../digest.ts";
import { findArtifact } from "../transport/artifact-cache.ts";
import type { Source } from "../transport/folder.ts";
import type { TftpTreeInputs } from "./inputs.ts";

/** A file of a tree. */
export type TreeFile = SmallFile | LargeFile;

/** Written anew into each version that changes, so that an edit by hand stays in one tree. */
export interface SmallFile {
  readonly kind: "small";
  readonly path: string;
  readonly sha256: string;
  readonly content: Uint8Array;
}

/** Kept once for all trees. */
export interface LargeFile {
  readonly kind: "large";
  readonly path: string;
  readonly sha256: string;
  /** Called only when the server lacks the file. */
  readonly source: () => Promise<Source>;
}

/** Gives the bytes of the files that belong to a bootloader update, by path. */
export type UpdateFiles = (update: BootloaderUpdate) => Promise<Readonly<Record<string, Uint8Array>>>;

const mostSmallBytes = 64 * 1024;

/** Every file of a tree. @throws Error when the bootloader update cannot be made. */
export async function contentsOf(inputs: TftpTreeInputs, updateFiles: UpdateFiles): Promise<TreeFile[]> {
  const { files, blobs, update } = inputs;
  const extras = update === undefined ? {} : await updateFiles(update);
  const all = [
    ...Object.entries(files).map(([path, text]) => fromBytes(path, Buffer.from(text))),
    ...Object.entries(blobs).map(([path, sha256]) => fromCache(path, sha256)),
    ...Object.entries(extras).map(([path, bytes]) => fromBytes(path, bytes)),
  ];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function fromBytes(path: string, content: Uint8Array): TreeFile {
  const sha256 = sha256Of(content);
  if (content.byteLength <= mostSmallBytes) return { kind: "small", path, sha256, content };
  return { kind: "large", path, sha256, source: async () => ({ kind: "memory", content }) };
}

function fromCache(path: string, sha256: string): LargeFile {
  const source = async (): Promise<Source> => ({ kind: "file", ...(await findArtifact(sha256)) });
  return { kind: "large", path, sha256, source };
}
