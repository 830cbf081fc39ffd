import { type Folder, isTrouble } from "../transport/folder.ts";
import { type FolderServer, inFolder } from "../transport/folder-server.ts";
import { hasUnknown } from "./digest.ts";
import type { TreePlace } from "./inputs.ts";
import { forgetRoot } from "./root.ts";

/** What tells places apart: of a server its name, not its address, port, user or key. */
export function placeName(part: FolderServer | string): string {
  if (typeof part === "string") return part;
  return part.connect === "ssh" ? part.name : "local";
}

/** The parts of a place, of those asked for, that are others than before. What a preview does not know yet is not. */
export function movedParts<Key extends string>(
  keys: readonly Key[],
  olds: Readonly<Record<Key, FolderServer | string>>,
  news: Readonly<Record<Key, FolderServer | string>>,
): Key[] {
  return keys.filter((key) => !hasUnknown(news[key]) && placeName(olds[key]) !== placeName(news[key]));
}

/** Gives `work` the root of a place, and tries once more when parts of it were removed after this process had looked. */
export function inRoot<T>({ server, root, owner }: TreePlace, work: (folder: Folder) => Promise<T>): Promise<T> {
  return inFolder(server, root, owner.site, async (folder) => {
    try {
      return await work(folder);
    } catch (error) {
      if (!isTrouble(error, "absent")) throw error;
      forgetRoot(folder);
      return await work(folder);
    }
  });
}
