import { randomBytes } from "node:crypto";
import { updateFiles } from "../bootloader-config/update.ts";
import { updateTime } from "../bootloader-config/update-time.ts";
import { inFolder } from "../transport/folder-server.ts";
import { contentsOf } from "./contents.ts";
import { digestOf, hasUnknown } from "./digest.ts";
import { findDrift } from "./drift.ts";
import { withGeneration } from "./generation.ts";
import {
  type CheckFailure,
  checkInputs,
  defaultKeep,
  type PublishedTree,
  type TftpTreeInputs,
  type TftpTreeOutputs,
} from "./inputs.ts";
import { inRoot, movedParts, placeName } from "./place.ts";
import { publish } from "./publish.ts";
import { remove } from "./remove.ts";
import { readNote, removeNote } from "./rollout-note.ts";
import { filesOfBefore, isOfUpdate } from "./serve-again.ts";

/** The engine's view of a TftpTree. check and diff are pure: previews ask nobody. */

export function check(
  _olds: Partial<TftpTreeInputs>,
  news: Omit<TftpTreeInputs, "keep"> & { readonly keep?: number },
): { inputs: TftpTreeInputs; failures: CheckFailure[] } {
  const inputs = { ...news, keep: news.keep ?? defaultKeep };
  return { inputs, failures: checkInputs(withGeneration(inputs)) };
}

/**
 * Another place or another name of the tree makes a new one before the old one goes: boards are served all the while,
 * and a deletion spares a tree that another resource has taken over. The address, port, user and key of a server do not
 * make another place of it.
 */
export function diff(
  _id: string,
  olds: TftpTreeOutputs,
  news: TftpTreeInputs,
): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean } {
  const replaces = movedParts(["server", "root", "tree"], olds, news);
  const { update, ...rest } = news;
  const isDifferent = hasUnknown(rest) || olds.digest !== digestOf(news) || olds.drift.length > 0;
  // In a preview, what a board says of an update is not known where that is made again. If it is the same one, the board
  // says the same; another one is a difference already.
  const isDue = !hasUnknown(update) && ((olds.lingering.length > 0 && isSettled(news)) || isUndone(news, olds));
  return { changes: isDifferent || isDue || replaces.length > 0, replaces, deleteBeforeReplace: false };
}

/** Takes over what is there of the tree: after a lost state, nothing that is right is sent again. */
export async function create(news: TftpTreeInputs): Promise<{ id: string; outs: TftpTreeOutputs }> {
  return { id: `${placeName(news.server)}:${news.root}/${news.tree}`, outs: await settle(news, undefined) };
}

export async function update(
  _id: string,
  olds: TftpTreeOutputs,
  news: TftpTreeInputs,
): Promise<{ outs: TftpTreeOutputs }> {
  return { outs: await settle(news, olds) };
}

/** What was published, and what of it is other than it was. */
export async function read<Outputs extends PublishedTree>(
  id: string,
  props: Outputs,
): Promise<{ id: string; props: Outputs }> {
  const { server, root, owner } = props;
  const drift = await inFolder(server, root, owner.site, (folder) => findDrift(folder, props));
  return { id, props: { ...props, drift } };
}

async function delete_(_id: string, { server, root, owner, tree, ...props }: PublishedTree): Promise<void> {
  const names = [...props.names, ...props.lingering];
  await inFolder(server, root, owner.site, (folder) =>
    remove(folder, { ownerId: owner.id, tree, names, claim: props.claim }),
  );
}

export { delete_ as delete };

async function settle(news: TftpTreeInputs, olds: TftpTreeOutputs | undefined): Promise<TftpTreeOutputs> {
  const { server, root, owner, tree, names, device = "", generation, update, keep } = news;
  const { lingering, dropped } = namesOfBefore(news, olds);
  const claim = olds?.claim ?? randomBytes(4).toString("hex");
  const distrust = olds === undefined || olds.drift.length > 0;
  const published = await inRoot(news, async (folder) => {
    const seen = [...names, ...lingering];
    const time = update === undefined ? 0 : await updateTime(folder, seen, update, olds?.updateTime ?? 0);
    const wanted = await contentsOf(withGeneration(news), (update) => updateFiles(update, time));
    const note = await readNote(folder, tree);
    const held = note?.kind === "held" && note.target === generation ? note : undefined;
    const content =
      held === undefined
        ? { generation, files: wanted }
        : {
            generation: held.from,
            files: await filesOfBefore(folder, tree, held.from, wanted.filter(isOfUpdate)),
          };
    const isNew = olds === undefined;
    const publication = { owner, tree, names: seen, dropped, ...content, keep, claim, isNew, distrust };
    const published = await publish(folder, publication);
    if (note !== undefined && note.target !== generation) await removeNote(folder, tree);
    return { ...published, updateTime: time };
  });
  return {
    schemaVersion: 1,
    ...{ server, root, owner, tree, names, lingering, device, generation, keep, claim },
    ...published,
    digest: digestOf(news),
    drift: [],
  };
}

/**
 * The names that a tree had before, and has no more. A board goes on asking for the one that it knows, so that one stays
 * for at least one update more, and until the board has said that it has its settings. Another board finds nothing there.
 */
function namesOfBefore(
  news: TftpTreeInputs,
  olds: TftpTreeOutputs | undefined,
): { readonly lingering: string[]; readonly dropped: string[] } {
  if (olds === undefined) return { lingering: [], dropped: [] };
  const gone = olds.names.filter((name) => !news.names.includes(name));
  const waiting = olds.lingering.filter((name) => !news.names.includes(name));
  if (olds.device !== (news.device ?? "")) return { lingering: [], dropped: [...new Set([...gone, ...waiting])] };
  return isSettled(news)
    ? { lingering: gone, dropped: waiting }
    : { lingering: [...new Set([...gone, ...waiting])], dropped: [] };
}

/** Whether the board asks for its files by what it is set to. One whose bootloader is left alone always does. */
function isSettled({ update }: TftpTreeInputs): boolean {
  return update?.confirmed ?? true;
}

/** Whether the board took the update, or a later one, and has other settings now: somebody changed them there. */
function isUndone({ update }: TftpTreeInputs, { updateTime }: TftpTreeOutputs): boolean {
  return update !== undefined && !update.confirmed && update.taken >= updateTime;
}
