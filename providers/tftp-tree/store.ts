import { type Entry, type Folder, isTrouble, type Source, sizeOf } from "../transport/folder.ts";
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
  /** What was there when it was first looked at, and what has come since. It may be gone again: then links fail. */
  present?: Promise<Set<string>>;
  /** Contents that were put there, or are being put there. */
  readonly supplies: Map<string, Promise<void>>;
  /** Contents whose bytes were hashed on the server. */
  readonly hashed: Map<string, Promise<Hashed>>;
}

type Stat = Omit<Entry, "name">;

/** What hashing a content said. */
export type Hashed = { readonly state: "right"; readonly stat: Stat } | { readonly state: "absent" | "damaged" };

const known = new WeakMap<Folder, Known>();

export function forgetStore(folder: Folder): void {
  known.delete(folder);
}

/**
 * Sends the contents that the store lacks, each once, however many trees want it at the same time.
 * @param tree for messages
 * @throws Error that says how much room is needed and there; then nothing was sent.
 */
export async function supply(folder: Folder, files: readonly LargeFile[], tree: string): Promise<void> {
  const { supplies, hashed } = knownOf(folder);
  const present = await presentIn(folder);
  const missing = [...new Map(files.map((file) => [file.sha256, file])).values()].filter(
    ({ sha256 }) => !present.has(sha256),
  );
  if (missing.length === 0) return;
  const sources = await Promise.all(missing.map(async ({ sha256, source }) => ({ sha256, source: await source() })));
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
        .then((stat) => {
          present.add(sha256);
          hashed.set(sha256, Promise.resolve({ state: "right", stat }));
        })
        .finally(() => supplies.delete(sha256));
      supplies.set(sha256, sending);
      return sending;
    }),
  );
}

function presentIn(folder: Folder): Promise<Set<string>> {
  const store = knownOf(folder);
  store.present ??= folder.list(storeFolder).then((entries) => new Set(entries?.map(({ name }) => name)));
  return store.present;
}

/** Says of contents whether the store has them with the right bytes. A right one is hashed once in a process. */
export async function hashStored(folder: Folder, hashes: readonly string[]): Promise<ReadonlyMap<string, Hashed>> {
  const { hashed } = knownOf(folder);
  const fresh = [...new Set(hashes)].filter((sha256) => !hashed.has(sha256));
  if (fresh.length > 0) {
    const found = folder.sha256(fresh.map(storePath));
    fresh.forEach((sha256, index) => {
      const result = found.then((all) => judge(folder, sha256, all[index]));
      hashed.set(sha256, result);
      const forget = () => hashed.delete(sha256);
      result.then(({ state }) => state === "right" || forget(), forget);
    });
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
  await Promise.all(
    damaged.map(async ([sha256]) => {
      (await presentIn(folder)).delete(sha256);
      await folder.remove(storePath(sha256));
    }),
  );
}

/** Removes contents that no tree has, unless they are so new that a tree may be about to link them. */
export async function sweep(folder: Folder): Promise<void> {
  await folder.removeUnlinked(storeFolder, graceMinutes);
  delete knownOf(folder).present;
  await folder.removeUnlinked(incomingFolder, halfSentMinutes);
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

async function send(folder: Folder, sha256: string, source: Source, tree: string): Promise<Stat> {
  const there = await folder.stat(storePath(sha256));
  if (there !== undefined) return there; // another tree was quicker
  const aside = `${incomingFolder}/${sha256}`;
  const arrives = async () => {
    await folder.upload(aside, source).catch(async (error) => {
      if (!isTrouble(error, "full")) throw error;
      await folder.remove(aside);
      throw noRoom(folder, tree, sizeOf(source), await folder.free());
    });
    const [arrived] = await folder.sha256([aside]);
    if (arrived !== sha256) await folder.remove(aside);
    return arrived === sha256;
  };
  // The first try may have gone on with what another process had left there; the second one begins anew.
  if (!((await arrives()) || (await arrives())))
    throw new Error(`${folder.where}: ${sha256} was sent twice, and other bytes arrived: is the disk all right?`);
  await folder.commit();
  await folder.rename(aside, storePath(sha256));
  const stat = await folder.stat(storePath(sha256));
  if (stat === undefined) throw new Error(`${folder.where}: ${sha256} is gone again: does somebody clean up there?`);
  return stat;
}

async function judge(folder: Folder, sha256: string, found: string | undefined): Promise<Hashed> {
  if (found === undefined) return { state: "absent" };
  const stat = found === sha256 ? await folder.stat(storePath(sha256)) : undefined;
  return stat === undefined ? { state: "damaged" } : { state: "right", stat };
}

function knownOf(folder: Folder): Known {
  const present = known.get(folder);
  if (present !== undefined) return present;
  const fresh: Known = { supplies: new Map(), hashed: new Map() };
  known.set(folder, fresh);
  return fresh;
}
