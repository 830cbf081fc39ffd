import { randomUUID } from "node:crypto";
import { type Folder, isTrouble } from "../transport/folder.ts";
import type { Owner } from "./inputs.ts";
import { folders, home, incomingFolder, ownerFile, treesFolder } from "./layout.ts";
import { forgetStore } from "./store.ts";

/** The roots that this process has seen to be its site's. */
const claimed = new WeakMap<Folder, { readonly id: string; readonly claiming: Promise<void> }>();
/** Those that are being left, because their last tree is gone. */
const leaving = new WeakMap<Folder, Promise<void>>();
/** Those in which something was missing that should be there. */
const suspect = new WeakSet<Folder>();

/**
 * Makes a root with Bramble's own folders in it, if they are not there, and writes down whose it is.
 * @throws Error with both names when it is another site's. Nothing was changed then.
 */
export function claimRoot(folder: Folder, owner: Owner): Promise<void> {
  const known = claimed.get(folder);
  if (known?.id === owner.id) return known.claiming;
  const claiming = Promise.resolve(leaving.get(folder)).then(() => claim(folder, owner));
  claimed.set(folder, { id: owner.id, claiming });
  claiming.catch(() => claimed.delete(folder));
  return claiming;
}

/** Forgets what was found out about a root: somebody has removed parts of it. */
export function forgetRoot(folder: Folder): void {
  claimed.delete(folder);
  suspect.add(folder);
  forgetStore(folder);
}

/** The site that a root belongs to; undefined if it is nobody's yet. */
export async function rootOwner(folder: Folder): Promise<Owner | undefined> {
  const text = (await folder.read(ownerFile))?.toString("utf8");
  if (text === undefined) return undefined;
  const value: unknown = parseJson(text);
  if (!isOwner(value)) {
    throw new Error(
      `${folder.where}: ${ownerFile} does not say whose folder this is. If it is only yours, delete that file there`,
    );
  }
  return value;
}

/** Whether a root is the owner's, and not nobody's. @throws Error with both names if it is another site's. */
async function refuseOthers(folder: Folder, owner: Owner): Promise<boolean> {
  const found = await rootOwner(folder);
  if (found === undefined || found.id === owner.id) return found !== undefined;
  throw new Error(
    `${folder.where} belongs to the site ${found.site} (${found.id}), and this is the site ${owner.site} (${owner.id}): ` +
      `give each a folder of its own. If ${found.site} is gone for good, delete ${ownerFile} there. Nothing was changed`,
  );
}

/** Removes what is left of Bramble in a root when its last tree is gone. What others have there stays. */
export async function leaveRoot(folder: Folder): Promise<void> {
  if (!(await folder.removeEmpty(treesFolder))) return;
  const removing = folder.removeAll([home]);
  leaving.set(
    folder,
    removing.catch(() => undefined), // the caller has the error
  );
  forgetRoot(folder);
  await removing;
}

async function claim(folder: Folder, owner: Owner): Promise<void> {
  const isOurs = await refuseOthers(folder, owner);
  if (isOurs && !suspect.has(folder)) return;
  await folder.makeRoot();
  for (const path of folders) await folder.makeFolder(path);
  suspect.delete(folder);
  if (await refuseOthers(folder, owner)) return;
  // Linked in place, so that it is never there by half, and of two sites that come at once only one gets it.
  const aside = `${incomingFolder}/owner-${randomUUID()}`;
  await folder.write(aside, Buffer.from(`${JSON.stringify({ site: owner.site, id: owner.id })}\n`));
  await folder.link(aside, ownerFile).catch((error) => {
    if (!isTrouble(error, "other")) throw error; // somebody was quicker; who, is looked at next
  });
  await folder.remove(aside);
  await refuseOthers(folder, owner);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false;
  return ["site", "id"].every((key) => typeof Reflect.get(value, key) === "string");
}
