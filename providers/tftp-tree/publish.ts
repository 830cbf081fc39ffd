import { sha256Of } from "../digest.ts";
import type { Folder } from "../transport/folder.ts";
import { build, type Reusable } from "./build.ts";
import type { TreeFile } from "./contents.ts";
import type { Owner } from "./inputs.ts";
import { differences } from "./inspect.ts";
import { currentFolder, currentLink, currentTarget, manifestSuffix, shortGeneration, treeFolder } from "./layout.ts";
import { parseManifest, printManifest } from "./manifest.ts";
import { hasForeign, lookAtNames, refuseForeign, removeNames, replaceLink, setNames } from "./names.ts";
import { claimRoot } from "./root.ts";
import { dropDamaged, sweep } from "./store.ts";
import { divideVersions, listVersions, serverTime, type Version } from "./versions.ts";

/** A tree as it is to be. */
export interface Publication {
  readonly owner: Owner;
  readonly tree: string;
  /** Where it is to be seen. */
  readonly names: readonly string[];
  /** Where it is not to be seen any more. */
  readonly dropped: readonly string[];
  readonly generation: string;
  readonly files: readonly TreeFile[];
  readonly keep: number;
  /** Of the resource that publishes. */
  readonly claim: string;
  /** Whether the resource has not published yet. */
  readonly isNew: boolean;
  /** Whether what the store has is hashed before it is used: nothing is known of it, or something was found. */
  readonly distrust: boolean;
}

export interface Published {
  /** Name of the version that is served. */
  readonly version: string;
  /** SHA-256 of its manifest. */
  readonly manifest: string;
}

/**
 * Makes a server have and serve a tree. Whatever stops it, at any moment: boards see the old tree or the new one, and
 * the same call again finishes. What is right already is left as it is, and what is there already is not sent.
 *
 * All of a new version is on the disk before one link is switched. The switch itself is when the server next writes,
 * some seconds later: a power cut until then leaves the old tree served, which a refresh shows. Calls for different trees, in this process or in
 * another one, need no lock: each makes a folder of its own, and what nothing refers to is removed only when it has
 * been there for longer than a publish takes.
 */
export async function publish(folder: Folder, publication: Publication): Promise<Published> {
  const { owner, tree, names, dropped, generation, files, claim } = publication;
  await claimRoot(folder, owner);
  const [states, { versions, target }] = await Promise.all([
    lookAtNames(folder, tree, names),
    lookAtTree(folder, publication),
  ]);
  if (versions.length === 0 && hasForeign(states)) await folder.removeEmpty(treeFolder(tree));
  refuseForeign(folder, tree, states);

  const served = versions.find(({ name }) => target === currentTarget(tree, name));
  const donor = donorOf(versions, served, generation);
  const manifest = printManifest(files);
  if (donor !== undefined || publication.distrust) await dropDamaged(folder, largeHashes(files));
  const reusable = donor === undefined ? noFiles : await rightFiles(folder, tree, donor, manifest);
  const isRight = served !== undefined && donor === served && served.claim === claim && reusable.all;

  const { staying, leaving } = await divide(folder, publication, versions, served);
  let version = served?.name ?? "";
  if (!isRight) {
    version = await build(folder, { tree, generation, claim, files, manifest, donor: reusable, versions, staying });
  }
  await Promise.all([
    isRight ? undefined : switchTo(folder, currentLink(tree), currentTarget(tree, version), target),
    setNames(folder, tree, states),
    removeNames(folder, tree, dropped),
  ]);
  await removeVersions(
    folder,
    tree,
    leaving.filter(({ name }) => name !== version),
  );
  return { version, manifest: sha256Of(manifest) };
}

/** The versions of a tree, and where its link leads. */
async function lookAtTree(
  folder: Folder,
  { tree, isNew }: Publication,
): Promise<{ readonly versions: readonly Version[]; readonly target?: string | undefined }> {
  // Where its folder could be made, nothing else is there of a tree.
  if (isNew && (await folder.makeFolder(treeFolder(tree)))) return { versions: [] };
  const [versions, target] = await Promise.all([listVersions(folder, tree), folder.readLink(currentLink(tree))]);
  if (versions.length === 0) await folder.makeFolder(treeFolder(tree));
  return { versions, target };
}

async function switchTo(folder: Folder, link: string, target: string, before: string | undefined): Promise<void> {
  const isMade = before === undefined && (await folder.makeLink(link, target));
  if (!isMade) await replaceLink(folder, link, target);
}

const noFiles: Reusable = { from: "", paths: new Set(), manifest: false, all: false };

/** The version to take small files from: one of the same generation, the one that is served before others. */
function donorOf(versions: readonly Version[], served: Version | undefined, generation: string): Version | undefined {
  const same = versions.filter((version) => version.complete && version.generation === shortGeneration(generation));
  return same.find((version) => version === served) ?? same[0];
}

async function rightFiles(folder: Folder, tree: string, { name }: Version, manifest: string): Promise<Reusable> {
  const from = `${treeFolder(tree)}/${name}`;
  const wanted = parseManifest(manifest);
  const differing = await differences(folder, from, wanted);
  const wrong = new Set(differing.map(({ path }) => path));
  const paths = new Set([...wanted.keys()].filter((path) => !wrong.has(path)));
  const list = (await folder.read(`${from}${manifestSuffix}`))?.toString("utf8");
  return { from, paths, manifest: list === manifest, all: differing.length === 0 && list === manifest };
}

function largeHashes(files: readonly TreeFile[]): string[] {
  return files.flatMap((file) => (file.kind === "large" ? [file.sha256] : []));
}

async function divide(
  folder: Folder,
  { generation, keep }: Publication,
  versions: readonly Version[],
  served: Version | undefined,
): Promise<ReturnType<typeof divideVersions>> {
  // The server's time matters only where there is something that could go.
  const some = divideVersions(versions, served?.name, generation, keep, Number.POSITIVE_INFINITY);
  if (some.leaving.length === 0) return some;
  return divideVersions(versions, served?.name, generation, keep, await serverTime(folder));
}

async function removeVersions(folder: Folder, tree: string, versions: readonly Version[]): Promise<void> {
  if (versions.length === 0) return;
  await folder.commitNames(currentFolder); // else a power cut could bring back a link to what is removed here
  const paths = versions.map(({ name }) => `${treeFolder(tree)}/${name}`);
  await folder.removeAll(paths.flatMap((path) => [`${path}${manifestSuffix}`, path]));
  await sweep(folder);
}
