/**
 * Where things are below a root. Boards see only the links at the top:
 *
 *     9ffefdef -> .bramble/current/pi1
 *     .bramble/owner.json                         whose root this is
 *     .bramble/current/pi1 -> ../trees/pi1/2-…    the one link that a publish switches
 *     .bramble/trees/pi1/2-<generation>-<claim>/  a version of a tree, never changed; what is large has its second name in
 *     .bramble/store/<sha256>                     which keeps each content once
 *     .bramble/trees/pi1/2-….sha256               its files, as sha256sum lists them
 *     .bramble/incoming/                          what is being made
 *     .bramble/rollouts/pi1.json                  what a rollout noted of it, if there is something
 *
 * Links are relative, so the root may be another one for a TFTP server in a chroot.
 */
export const home = ".bramble";
export const ownerFile = `${home}/owner.json`;
export const storeFolder = `${home}/store`;
export const incomingFolder = `${home}/incoming`;
export const treesFolder = `${home}/trees`;
export const currentFolder = `${home}/current`;

/** Made by the first rollout. */
export const rolloutsFolder = `${home}/rollouts`;

/** All folders of a root, each after the one that it lies in. */
export const folders = [home, storeFolder, incomingFolder, treesFolder, currentFolder] as const;

export function storePath(sha256: string): string {
  return `${storeFolder}/${sha256}`;
}

export function treeFolder(tree: string): string {
  return `${treesFolder}/${tree}`;
}

/** The link that leads to the version that is served. It is also what the names of a tree lead to. */
export function currentLink(tree: string): string {
  return `${currentFolder}/${tree}`;
}

/** Where {@link currentLink} leads. */
export function currentTarget(tree: string, version: string): string {
  return `../trees/${tree}/${version}`;
}

/** What a rollout noted of a tree. */
export function rolloutFile(tree: string): string {
  return `${rolloutsFolder}/${tree}.json`;
}

/** The tree that a name of a board leads to, if it is one of ours. */
export function treeOfName(target: string): string | undefined {
  return target.startsWith(`${currentFolder}/`) ? target.slice(currentFolder.length + 1) : undefined;
}

export interface VersionName {
  /** Counts up for each tree. */
  readonly number: number;
  /** The generation, or its first digits: with the whole of it links would be slow (ext4 keeps 59 bytes at hand). */
  readonly generation: string;
  /** Of the resource that made it. */
  readonly claim: string;
}

const generationDigits = 12;

export function printVersion({ number, generation, claim }: VersionName): string {
  return `${number}-${shortGeneration(generation)}-${claim}`;
}

export function shortGeneration(generation: string): string {
  return generation.slice(0, generationDigits);
}

/** Undefined for what no version is called. */
export function parseVersion(name: string): VersionName | undefined {
  const match = /^(\d+)-([0-9a-f]{1,12})-([0-9a-f]{8})$/.exec(name);
  if (match === null) return undefined;
  const [, number = "", generation = "", claim = ""] = match;
  return { number: Number(number), generation, claim };
}

export const manifestSuffix = ".sha256";
