import { readFile } from "node:fs/promises";

/** The text of a file, or undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(unlessAbsent);
}

/** For `.catch()`: undefined where a file or folder is not there; any other error goes on. */
export function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
