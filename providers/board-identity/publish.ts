import { type Folder, isTrouble, privateFileMode, privateFolderMode } from "../transport/folder.ts";
import { boardOf } from "./archive.ts";
import type { BoardIdentityInputs } from "./inputs.ts";

type Owner = BoardIdentityInputs["owner"];

const ownerFile = "owner.json";

/** What a board with this address is given. */
export function identityFile(address: string): string {
  return `${address}.tar`;
}

/** Lets the board with this address find its identity: the one of before or this one, at any time, and no half of it. */
export async function publish(
  folder: Folder,
  { owner, board, address, archive }: { owner: Owner; board: string; address: string; archive: Uint8Array },
): Promise<void> {
  await claim(folder, owner, board);
  const aside = `.${board}.new`;
  await folder.remove(aside);
  await folder.write(aside, archive, privateFileMode);
  await folder.commit();
  await inTurn(folder, () => folder.rename(aside, identityFile(address)));
  await folder.commitNames(".");
}

/** Removes a board's identity from an address; that of a board which has the address by now stays. */
export async function withdraw(folder: Folder, board: string, address: string): Promise<void> {
  await folder.remove(`.${board}.new`);
  await inTurn(folder, async () => {
    const archive = await folder.read(identityFile(address));
    if (archive !== undefined && boardOf(archive) === board) await folder.remove(identityFile(address));
  });
}

/** Forgets whose folder it is once nothing is in it. */
export async function leave(folder: Folder): Promise<void> {
  const left = (await folder.list(".")) ?? [];
  if (left.every(({ name }) => name === ownerFile)) await folder.remove(ownerFile);
}

/**
 * Makes the folder for its owner alone, where it is not there: the boot server's step gives it to its service's group,
 * before or after this.
 * @throws Error if it is another site's, or open to everybody
 */
async function claim(folder: Folder, owner: Owner, board: string): Promise<void> {
  await folder.makeRoot(privateFolderMode);
  const mode = (await folder.stat("."))?.mode ?? 0;
  if ((mode & 0o007) !== 0)
    throw new Error(
      `${folder.where}: everybody on the machine may use this folder, and boards' private keys are put into it. Take ` +
        "that away (chmod o-rwx) or remove the folder, and try again. Nothing was changed",
    );
  const found = await ownerOf(folder);
  if (found === undefined) {
    // Linked in place, so that it is never there by half, and of two sites that come at once only one gets it.
    const aside = `.${board}.owner`;
    await folder.remove(aside);
    await folder.write(aside, Buffer.from(`${JSON.stringify({ site: owner.site, id: owner.id })}\n`), privateFileMode);
    await folder.link(aside, ownerFile).catch((error) => {
      if (!isTrouble(error, "other")) throw error; // somebody was quicker; who, is looked at next
    });
    await folder.remove(aside);
  }
  const now = found ?? (await ownerOf(folder)) ?? owner;
  if (now.id === owner.id) return;
  throw new Error(
    `${folder.where} belongs to the site ${now.site} (${now.id}), and this is the site ${owner.site} (${owner.id}): ` +
      `give each a name of its own. If ${now.site} is gone for good, delete ${ownerFile} there. Nothing was changed`,
  );
}

async function ownerOf(folder: Folder): Promise<Owner | undefined> {
  const text = (await folder.read(ownerFile))?.toString("utf8");
  if (text === undefined) return undefined;
  const [, site, id] = /^\{"site":"([^"\\]+)","id":"([^"\\]+)"\}\n$/.exec(text) ?? [];
  if (site !== undefined && id !== undefined) return { site, id };
  throw new Error(
    `${folder.where}: ${ownerFile} does not say whose folder this is. If it is only yours, delete that file there`,
  );
}

/** One after the other for each folder: two boards that swap their addresses must not remove what the other has put. */
const turns = new WeakMap<Folder, Promise<unknown>>();

function inTurn<T>(folder: Folder, work: () => Promise<T>): Promise<T> {
  const before = turns.get(folder) ?? Promise.resolve();
  const mine = before.then(work, work);
  turns.set(
    folder,
    mine.catch(() => undefined),
  ); // who waits has the error
  return mine;
}
