import type { Folder } from "../transport/folder.ts";
import { currentLink, parseVersion, rolloutFile, treeFolder } from "./layout.ts";
import { removeNames } from "./names.ts";
import { leaveRoot, rootOwner } from "./root.ts";
import { sweep } from "./store.ts";

export interface Removal {
  readonly ownerId: string;
  readonly tree: string;
  /** All under which it may be seen. */
  readonly names: readonly string[];
  readonly claim: string;
}

/**
 * Takes a tree away, if it is there: first its names, then what they led to. Left alone is a tree that another resource
 * has taken over since: a resource that was replaced is deleted after the new one was made, and the new one's place may
 * be the same under another name.
 */
export async function remove(folder: Folder, { ownerId, tree, names, claim }: Removal): Promise<void> {
  const owner = await rootOwner(folder);
  if (owner === undefined || owner.id !== ownerId) return;
  const target = await folder.readLink(currentLink(tree));
  const served = target === undefined ? undefined : parseVersion(target.split("/").at(-1) ?? "");
  if (served !== undefined && served.claim !== claim) return;
  await removeNames(folder, tree, names);
  await folder.remove(currentLink(tree));
  await folder.remove(rolloutFile(tree));
  await folder.removeAll([treeFolder(tree)]);
  await sweep(folder);
  await leaveRoot(folder);
}
