import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type Arch, askedPackages, manifestPath, type Recipe } from "../../images/recipe.ts";
import { readIfThere } from "../lib/files.ts";
import { type Manifest, type Mismatch, mismatches, parseManifest, printManifest } from "./manifest.ts";
import { chooseMirror } from "./mirror.ts";
import { fetchLists, resolvePackages } from "./packages.ts";
import { keyringPath } from "./requirements.ts";

/**
 * Writes a recipe's manifest for one architecture anew from what the mirror has now (any architecture, on any machine)
 * and gives what changed. With no change the file is left as it is, its time too: the image stays the same.
 */
export async function renewManifest(
  recipe: Recipe,
  arch: Arch,
  options: { readonly mirror?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<readonly Mismatch[]> {
  const mirror = await chooseMirror(options.mirror, recipe.suite);
  const path = manifestPath(recipe, arch);
  const before = await present(path);
  const folder = await mkdtemp(`${tmpdir()}/bramble-renew-`);
  try {
    const apt = await fetchLists(folder, {
      mirror,
      suite: recipe.suite,
      arch,
      keyring: keyringPath(),
      signal: options.signal,
    });
    const packages = await resolvePackages(apt, askedPackages(recipe, arch));
    const changes = mismatches(before?.packages ?? new Map<string, string>(), packages, true);
    if (changes.length === 0) return [];
    const time = `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;
    await writeFile(path, printManifest({ suite: recipe.suite, arch, time, packages }, recipe.name));
    return changes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function present(path: string): Promise<Manifest | undefined> {
  const text = await readIfThere(path);
  return text === undefined ? undefined : parseManifest(text, path);
}
