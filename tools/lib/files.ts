import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";

/** What a file holds. */
export interface Content {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** The text of a file, or undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(unlessAbsent);
}

/** For `.catch()`: undefined where a file or folder is not there; any other error goes on. */
export function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}

/** Reads a file of any size to its end and says what it holds. */
export async function describeFile(path: string): Promise<Content> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}
