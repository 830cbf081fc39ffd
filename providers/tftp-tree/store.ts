import { type Folder, isTrouble, type Source, sizeOf } from "../transport/folder.ts";
import type { LargeFile } from "./contents.ts";
import { incomingFolder, storeFolder, storePath } from "./layout.ts";

/**
 * The store keeps each content once, under its hash; the trees have it by hard links. So a file's number of names says
 * whether a tree has it, a version once made can lose nothing, and no lock is needed: whoever finds that a content is
 * gone puts it there again. (Symbolic links would need a look at every tree before anything is removed, and cost eight
 * times as much to make on ext4, as their targets are too long for the inode.)
 */

/** What this process has found out about a root's store. */
interface Known {
  /** Contents that were put there, or are being put there. */
  readonly supplies: Map<string, Promise<void>>;
  /** Contents whose bytes were hashed on the server. */
  readonly hashed: Map<string, Promise<Hashed>>;
}

/** What hashing a content said, and what tells the file from others. */
export type Hashed = { readonly state: "right"; readonly identity: string } | { readonly state: "absent" | "damaged" };

const known = new WeakMap<Folder, Known>();

export function forgetStore(folder: Folder): void {
  known.get(folder)?.hashed.clear(); // what is being sent goes on
}

/**
 * Sends contents that the store lacks, each once, however many trees want it at the same time.
 * @param tree for messages
 * @throws Error that says how much room is needed and there; then nothing was sent.
 */
export async function supply(folder: Folder, files: readonly LargeFile[], tree: string): Promise<void> {
  const { supplies, hashed } = knownOf(folder);
  const distinct = [...new Map(files.map((file) => [file.sha256, file])).values()];
  const sources = await Promise.all(distinct.map(async ({ sha256, source }) => ({ sha256, source: await source() })));
  await requireRoom(
    folder,
    sources.reduce((sum, { source }) => sum + sizeOf(source), 0),
    tree,
  );
  await Promise.all(
    sources.map(({ sha256, source }) => {
      const going = supplies.get(sha256);
      if (going !== undefined) return going;
      const sending = send(folder, sha256, source, tree)
        .then(() => {
          hashed.delete(sha256);
        })
        .finally(() => supplies.delete(sha256));
      supplies.set(sha256, sending);
      return sending;
    }),
  );
}

/** Says of contents whether the store has them with the right bytes. A right one is hashed once in a process. */
export async function hashStored(folder: Folder, hashes: readonly string[]): Promise<ReadonlyMap<string, Hashed>> {
  const { hashed } = knownOf(folder);
  const fresh = [...new Set(hashes)].filter((sha256) => !hashed.has(sha256));
  for (const sha256 of fresh) {
    const result = hash(folder, sha256);
    hashed.set(sha256, result);
    const forget = () => hashed.delete(sha256);
    result.then(({ state }) => state === "right" || forget(), forget);
  }
  const results = await Promise.all(
    hashes.map(async (sha256): Promise<[string, Hashed]> => {
      return [sha256, (await hashed.get(sha256)) ?? { state: "absent" }];
    }),
  );
  return new Map(results);
}

/** Takes contents with wrong bytes out of the store, so that they are sent again. Trees that have them keep them. */
export async function dropDamaged(folder: Folder, hashes: readonly string[]): Promise<void> {
  const damaged = [...(await hashStored(folder, hashes))].filter(([, { state }]) => state === "damaged");
  await Promise.all(damaged.map(([sha256]) => folder.remove(storePath(sha256))));
}

/** Removes contents that no tree has, unless they are so new that a tree may be about to link them. */
export async function sweep(folder: Folder): Promise<void> {
  await Promise.all([
    folder.removeUnlinked(storeFolder, graceMinutes),
    folder.removeUnlinked(incomingFolder, halfSentMinutes),
  ]);
}

/** How long what nothing refers to stays, in minutes: far longer than another process takes from making to linking. */
export const graceMinutes = 15;
/** How long what came only by half stays, in minutes: the next run goes on with it. */
const halfSentMinutes = 24 * 60;

/** @throws Error that says how much is needed and there. */
export async function requireRoom(folder: Folder, bytes: number, tree: string): Promise<void> {
  const free = await folder.free();
  if (free < bytes) throw noRoom(folder, tree, bytes, free);
}

export function noRoom(folder: Folder, tree: string, bytes: number, free: number): Error {
  return new Error(
    `${folder.where}: the disk is full. ${tree} needs ${bytes} bytes there, and ${free} are free. Nothing was replaced: ` +
      "boards see what they saw before. Make room, or keep fewer generations, and run it again",
  );
}

async function send(folder: Folder, sha256: string, source: Source, tree: string): Promise<void> {
  const path = storePath(sha256);
  if ((await folder.stat(path)) !== undefined) return; // another tree was quicker
  const aside = `${incomingFolder}/${sha256}`;
  const upload = () =>
    folder.upload(aside, source).catch(async (error) => {
      if (!isTrouble(error, "full")) throw error;
      await folder.remove(aside);
      throw noRoom(folder, tree, sizeOf(source), await folder.free());
    });
  // What another run had left there by half may have been of anything.
  const wentOn = (await upload()) && (await folder.sha256([aside]))[0] !== sha256;
  if (wentOn) {
    await folder.remove(aside);
    await upload();
  }
  await folder.commit();
  await folder.rename(aside, path).catch(async (error) => {
    const isThere = isTrouble(error, "absent") && (await folder.stat(path)) !== undefined;
    if (!isThere) throw error; // else another process was quicker
  });
}

async function hash(folder: Folder, sha256: string): Promise<Hashed> {
  const path = storePath(sha256);
  if ((await folder.stat(path)) === undefined) return { state: "absent" };
  const [[found], [identity]] = await Promise.all([folder.sha256([path]), folder.identities([path])]);
  return found === sha256 && identity !== undefined ? { state: "right", identity } : { state: "damaged" };
}

function knownOf(folder: Folder): Known {
  const present = known.get(folder);
  if (present !== undefined) return present;
  const fresh: Known = { supplies: new Map(), hashed: new Map() };
  known.set(folder, fresh);
  return fresh;
}
