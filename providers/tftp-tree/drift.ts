import { sha256Of } from "../digest.ts";
import type { Folder } from "../transport/folder.ts";
import type { PublishedTree } from "./inputs.ts";
import { differences } from "./inspect.ts";
import { currentLink, currentTarget, manifestSuffix, treeFolder } from "./layout.ts";
import { parseManifest } from "./manifest.ts";
import { lookAtNames, type NameState } from "./names.ts";
import { rootOwner } from "./root.ts";

/** What on the server is other than it was published, one line for each; changes nothing. */
export async function findDrift(folder: Folder, outputs: PublishedTree): Promise<string[]> {
  const { owner, tree, names, lingering, version } = outputs;
  const found = await rootOwner(folder);
  if (found === undefined) return [`${outputs.root}: missing`];
  if (found.id !== owner.id) return [`${outputs.root}: belongs to the site ${found.site} (${found.id})`];
  const [states, target] = await Promise.all([
    lookAtNames(folder, tree, [...names, ...lingering]),
    folder.readLink(currentLink(tree)),
  ]);
  return [
    ...[...states].flatMap(nameDrift),
    ...linkDrift(target, tree, version),
    ...(await fileDrift(folder, outputs)),
  ];
}

function nameDrift([name, state]: readonly [string, NameState]): string[] {
  if (state === "ours") return [];
  return [`${name}: ${state === "free" ? "missing" : `is ${state === "foreign" ? "something else" : state}`}`];
}

function linkDrift(target: string | undefined, tree: string, version: string): string[] {
  if (target === currentTarget(tree, version)) return [];
  return [`${currentLink(tree)}: ${target === undefined ? "missing" : `leads to ${target}`}`];
}

async function fileDrift(folder: Folder, { tree, version, manifest }: PublishedTree): Promise<string[]> {
  const path = `${treeFolder(tree)}/${version}`;
  const text = (await folder.read(`${path}${manifestSuffix}`))?.toString("utf8");
  if (text === undefined) return [`${path}${manifestSuffix}: missing`];
  if (sha256Of(text) !== manifest) return [`${path}${manifestSuffix}: changed`];
  const differing = await differences(folder, path, parseManifest(text));
  return differing.map((difference) => `${difference.path}: ${difference.what}`);
}
