import { sha256Of } from "../digest.ts";
import type { CheckFailure } from "../tftp-tree/inputs.ts";
import { movedParts, placeName } from "../tftp-tree/place.ts";
import { type Folder, isTrouble } from "../transport/folder.ts";
import { inFolder } from "../transport/folder-server.ts";
import { identityArchive } from "./archive.ts";
import {
  type BoardIdentityInputs,
  type BoardIdentityOutputs,
  checkInputs,
  defaultValidity,
  digestOf,
} from "./inputs.ts";
import { identityFile, leave, publish, withdraw } from "./publish.ts";

/** The engine's view of a BoardIdentity. check and diff are pure: previews ask nobody but the clock. */

export function check(
  _olds: Partial<BoardIdentityInputs>,
  news: BoardIdentityInputs,
): { inputs: BoardIdentityInputs; failures: CheckFailure[] } {
  return { inputs: news, failures: checkInputs(news) };
}

/**
 * A certificate is made anew when half of its time is over, by whichever `up` comes then. Another machine, folder or
 * board makes a new identity before the old one goes; another address or key replaces it in its place.
 */
export function diff(
  _id: string,
  olds: BoardIdentityOutputs,
  news: BoardIdentityInputs,
): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean } {
  const replaces = movedParts(["server", "root", "board"], olds, news);
  const changes = replaces.length > 0 || olds.digest !== digestOf(news) || olds.drift.length > 0 || isDue(olds);
  return { changes, replaces, deleteBeforeReplace: false };
}

export async function create(news: BoardIdentityInputs): Promise<{ id: string; outs: BoardIdentityOutputs }> {
  return { id: `${placeName(news.server)}:${news.root}/${news.board}`, outs: await settle(news, undefined) };
}

export async function update(
  _id: string,
  olds: BoardIdentityOutputs,
  news: BoardIdentityInputs,
): Promise<{ outs: BoardIdentityOutputs }> {
  return { outs: await settle(news, olds) };
}

/** What was published, and what of it is other than it was. */
export async function read(
  id: string,
  props: BoardIdentityOutputs,
): Promise<{ id: string; props: BoardIdentityOutputs }> {
  const { server, root, owner } = props;
  const drift = await inFolder(server, root, owner.site, (folder) => findDrift(folder, props));
  return { id, props: { ...props, drift } };
}

async function delete_(_id: string, { server, root, owner, board, address }: BoardIdentityOutputs): Promise<void> {
  await inFolder(server, root, owner.site, async (folder) => {
    await withdraw(folder, board, address);
    await leave(folder);
  });
}

export { delete_ as delete };

async function settle(
  news: BoardIdentityInputs,
  olds: BoardIdentityOutputs | undefined,
): Promise<BoardIdentityOutputs> {
  const { server, root, owner, board, address, principals, validity = defaultValidity } = news;
  const issued = seconds();
  const expires = issued + validity;
  const [hostSeed, caSeed] = [Buffer.from(news.hostSeed, "hex"), Buffer.from(news.caSeed, "hex")];
  const wish = { site: owner.site, board, principals, hostSeed, caSeed, issued, expires };
  const { publicKey, serial, archive } = await identityArchive(wish);
  await inFolder(server, root, owner.site, async (folder) => {
    const put = () => publish(folder, { owner, board, address, archive });
    // Once more if the folder was removed after it was looked at.
    await put().catch((error) => (isTrouble(error, "absent") ? put() : Promise.reject(error)));
    if (olds !== undefined && olds.address !== address) await withdraw(folder, board, olds.address);
  });
  return {
    schemaVersion: 1,
    ...{ server, root, owner, board, address, publicKey, issued, expires },
    digest: digestOf(news),
    serial: String(serial),
    archive: sha256Of(archive),
    drift: [],
  };
}

async function findDrift(folder: Folder, { address, archive }: BoardIdentityOutputs): Promise<string[]> {
  const file = identityFile(address);
  const found = await folder.stat(file);
  if (found === undefined) return [`${file}: missing`];
  const [hash] = await folder.sha256([file]);
  return [
    ...(hash === archive ? [] : [`${file}: changed`]),
    ...((found.mode & 0o007) === 0 ? [] : [`${file}: open to everybody on the machine`]),
  ];
}

function isDue({ issued, expires }: BoardIdentityOutputs): boolean {
  return expires - seconds() < (expires - issued) / 2;
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
