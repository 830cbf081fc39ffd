import { sha256Of } from "../digest.ts";
import type { Folder } from "../transport/folder.ts";
import type { PublishedTree } from "./inputs.ts";
import { differences } from "./inspect.ts";
import { currentLink, currentTarget, manifestSuffix, parseVersion, shortGeneration, treeFolder } from "./layout.ts";
import { parseManifest } from "./manifest.ts";
import { lookAtNames, type NameState } from "./names.ts";
import { readNote } from "./rollout-note.ts";
import { rootOwner } from "./root.ts";

/** What on the server is other than it was published, one line for each; changes nothing. */
export async function findDrift(folder: Folder, outputs: PublishedTree): Promise<string[]> {
  const { owner, tree, names, lingering } = outputs;
  const found = await rootOwner(folder);
  if (found === undefined) return [`${outputs.root}: missing`];
  if (found.id !== owner.id) return [`${outputs.root}: belongs to the site ${found.site} (${found.id})`];
  const [states, target] = await Promise.all([
    lookAtNames(folder, tree, [...names, ...lingering]),
    folder.readLink(currentLink(tree)),
  ]);
  const expected = await expectedVersion(folder, outputs, target);
  return [
    ...[...states].flatMap(nameDrift),
    ...linkDrift(target, tree, expected.version),
    ...(await fileDrift(folder, { tree, ...expected })),
  ];
}

type Expected = Pick<PublishedTree, "version" | "manifest">;

/**
 * The version that must be served. It is the one that was published last, or another one with the same content. Where a
 * rollout has put back the generation of before since, or given the last one free again, it is what serves that.
 */
async function expectedVersion(
  folder: Folder,
  { tree, generation, version, manifest }: PublishedTree,
  target: string | undefined,
): Promise<Expected> {
  const served = target?.split("/").at(-1) ?? "";
  if (served === version && generation === undefined) return { version, manifest };
  const note = await readNote(folder, tree);
  const wanted = note?.kind === "held" && note.target === generation ? note.from : generation;
  const list = async () => sha256Of((await folder.read(`${treeFolder(tree)}/${served}${manifestSuffix}`)) ?? "");
  const isOf = (name: string) => wanted === undefined || parseVersion(name)?.generation === shortGeneration(wanted);
  if (isOf(version)) {
    const isSame = served !== version && parseVersion(served) !== undefined && (await list()) === manifest;
    return isSame ? { version: served, manifest } : { version, manifest };
  }
  return isOf(served) ? { version: served, manifest: await list() } : { version: wanted ?? version, manifest };
}

function nameDrift([name, state]: readonly [string, NameState]): string[] {
  if (state === "ours") return [];
  return [`${name}: ${state === "free" ? "missing" : `is ${state === "foreign" ? "something else" : state}`}`];
}

function linkDrift(target: string | undefined, tree: string, version: string): string[] {
  if (target === currentTarget(tree, version)) return [];
  return [`${currentLink(tree)}: ${target === undefined ? "missing" : `leads to ${target}`}`];
}

async function fileDrift(
  folder: Folder,
  { tree, version, manifest }: Expected & { readonly tree: string },
): Promise<string[]> {
  const path = `${treeFolder(tree)}/${version}`;
  const text = (await folder.read(`${path}${manifestSuffix}`))?.toString("utf8");
  if (text === undefined) return [`${path}${manifestSuffix}: missing`];
  if (sha256Of(text) !== manifest) return [`${path}${manifestSuffix}: changed`];
  const differing = await differences(folder, path, parseManifest(text));
  return differing.map((difference) => `${difference.path}: ${difference.what}`);
}
