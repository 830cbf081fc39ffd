import { randomBytes } from "node:crypto";
import { apkovl, imageGeneration, imageName, imageTree } from "../../formats/apkovl.ts";
import { shortDigest } from "../digest.ts";
import { fromBytes } from "../tftp-tree/contents.ts";
import { hasUnknown } from "../tftp-tree/digest.ts";
import { type CheckFailure, defaultKeep } from "../tftp-tree/inputs.ts";
import { inRoot, movedParts, placeName } from "../tftp-tree/place.ts";
import { publish } from "../tftp-tree/publish.ts";
import { type ApkovlInputs, type ApkovlOutputs, checkInputs, imageEntries } from "./inputs.ts";

/**
 * The engine's view of an Apkovl. An image is published as a tree is, and looked at and removed by the same functions.
 * check and diff are pure: previews ask nobody, and build nothing.
 */
export { delete, read } from "../tftp-tree/provider.ts";

export function check(
  _olds: Partial<ApkovlInputs>,
  news: Omit<ApkovlInputs, "keep"> & { readonly keep?: number },
): { inputs: ApkovlInputs; failures: CheckFailure[] } {
  const inputs = { ...news, keep: news.keep ?? defaultKeep };
  return { inputs, failures: checkInputs(inputs) };
}

/** Another place or profile makes a new one before the old one goes; another content is published beside the old one. */
export function diff(
  _id: string,
  olds: ApkovlOutputs,
  news: ApkovlInputs,
): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean } {
  const replaces = movedParts(["server", "root", "profile"], olds, news);
  const isDifferent = hasUnknown(news) || olds.digest !== digestOf(news) || olds.drift.length > 0;
  return { changes: isDifferent || replaces.length > 0, replaces, deleteBeforeReplace: false };
}

/** Takes over what is there of the image: after a lost state, nothing that is right is sent again. */
export async function create(news: ApkovlInputs): Promise<{ id: string; outs: ApkovlOutputs }> {
  return {
    id: `${placeName(news.server)}:${news.root}/${imageTree(news.profile)}`,
    outs: await settle(news, undefined),
  };
}

export async function update(_id: string, olds: ApkovlOutputs, news: ApkovlInputs): Promise<{ outs: ApkovlOutputs }> {
  return { outs: await settle(news, olds) };
}

async function settle(news: ApkovlInputs, olds: ApkovlOutputs | undefined): Promise<ApkovlOutputs> {
  const { server, root, owner, profile, released, image, keep } = news;
  const [tree, generation] = [imageTree(profile), imageGeneration(image)];
  const names = [tree];
  const claim = olds?.claim ?? randomBytes(4).toString("hex");
  const bytes = await apkovl(imageEntries(news), { released });
  const files = [fromBytes(`${generation}/${imageName(profile)}`, bytes)];
  const [isNew, distrust] = [olds === undefined, olds === undefined || olds.drift.length > 0];
  const publication = { owner, tree, names, dropped: [], generation, files, keep, claim, isNew, distrust };
  const published = await inRoot(news, (folder) => publish(folder, publication));
  return {
    schemaVersion: 1,
    ...{ server, root, owner, tree, names, lingering: [], profile, image, claim },
    ...published,
    digest: digestOf(news),
    drift: [],
  };
}

/** Over all that decides about what is published. The id stands for all entries and their age. */
export function digestOf({ server, root, owner, profile, image, keep }: ApkovlInputs): string {
  return shortDigest({ server, root, owner, profile, image, keep });
}
