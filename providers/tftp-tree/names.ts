import { randomUUID } from "node:crypto";
import { type Folder, isTrouble } from "../transport/folder.ts";
import { currentLink, incomingFolder, treeOfName } from "./layout.ts";

/** What stands in a root under a name that a tree wants: nothing, the tree itself, another tree of the site, or else. */
export type NameState = "free" | "ours" | "another tree" | "foreign";

/** Looks at the names of a tree; also at those of a root that is not there. */
export async function lookAtNames(
  folder: Folder,
  tree: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, NameState>> {
  const states = await Promise.all(names.map(async (name) => [name, await stateOf(folder, tree, name)] as const));
  return new Map(states);
}

/** Whether something that is not Bramble's has one of the names. */
export function hasForeign(states: ReadonlyMap<string, NameState>): boolean {
  return [...states.values()].includes("foreign");
}

/** @throws Error that says what to do when something that is not Bramble's has one of the names. */
export function refuseForeign(folder: Folder, tree: string, states: ReadonlyMap<string, NameState>): void {
  const foreign = [...states].filter(([, state]) => state === "foreign").map(([name]) => name);
  if (foreign.length === 0) return;
  throw new Error(
    `${folder.where}: ${foreign.join(" and ")} ${foreign.length > 1 ? "are" : "is"} there already and was not made by ` +
      `Bramble. ${tree} is to be seen there: move what is there away (mv ${foreign[0]} ${foreign[0]}.old), or give the ` +
      "board another name or prefix. Nothing was changed",
  );
}

/** Makes a tree seen under its names. One that belonged to another tree of the site changes over in one step. */
export async function setNames(folder: Folder, tree: string, states: ReadonlyMap<string, NameState>): Promise<void> {
  await Promise.all(
    [...states].map(async ([name, state]) => {
      if (state === "ours") return;
      if (state === "free" && (await folder.makeLink(name, currentLink(tree)))) return;
      // It was another tree's, or somebody was quicker.
      const now = await lookAtNames(folder, tree, [name]);
      refuseForeign(folder, tree, now);
      if (now.get(name) !== "ours") await replaceLink(folder, name, currentLink(tree));
    }),
  );
}

/** Removes names of a tree; those that belong to another tree by now stay. */
export async function removeNames(folder: Folder, tree: string, names: readonly string[]): Promise<void> {
  const states = await lookAtNames(folder, tree, names);
  await Promise.all([...states].map(([name, state]) => (state === "ours" ? folder.remove(name) : undefined)));
}

/** Lets a link lead elsewhere, in one step: whoever comes sees the old one or the new one. */
export async function replaceLink(folder: Folder, path: string, target: string): Promise<void> {
  const aside = `${incomingFolder}/link-${randomUUID()}`;
  await folder.makeLink(aside, target);
  await folder.rename(aside, path);
}

async function stateOf(folder: Folder, tree: string, name: string): Promise<NameState> {
  try {
    const target = await folder.readLink(name);
    if (target === undefined) return "free";
    const found = treeOfName(target);
    if (found === undefined) return "foreign";
    return found === tree ? "ours" : "another tree";
  } catch (error) {
    if (isTrouble(error, "other")) return "foreign"; // no link
    throw error;
  }
}
