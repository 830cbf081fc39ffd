import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Arch, manifestPath, type Recipe, recipeOf, slurmNode } from "./recipe.ts";

/**
 * Part of each image's hash. To be raised with a change to the builder that gives other bytes from the same recipe;
 * the builder's text itself is left out, since a new comment in it should not replace anybody's machines.
 */
export const buildFormat = 1;

/** The initial RAM disk's only program. */
export const initrdInit = fileURLToPath(new URL("initrd-init.sh", import.meta.url));

/**
 * The image's name, `<recipe>-<arch>-<16 hex digits>`: the digits are over everything the image is built from, so equal
 * names are equal images. Reads some 30 small files and nothing else: good for previews.
 */
export function imageName(arch: Arch, recipe: Recipe = slurmNode): string {
  return `${recipe.name}-${arch}-${imageHash(arch, recipe).slice(0, 16)}`;
}

/** The same for the VMs of a type of cluster, with an architecture as sites name it. */
export function nodeImageName(arch: "x86_64" | "aarch64", type: "slurm" | "k3s"): string {
  return imageName(arch === "x86_64" ? "amd64" : "arm64", recipeOf[type]);
}

/** SHA-256 in hex over manifest, recipe and build format. */
export function imageHash(arch: Arch, recipe: Recipe = slurmNode): string {
  const hash = createHash("sha256").update(`bramble image ${buildFormat} ${recipe.name} ${recipe.virtualSize}\n`);
  const add = (name: string, path: string) => {
    const bytes = readFileSync(path);
    const executable = (statSync(path).mode & 0o100) !== 0;
    hash.update(`${name}\n${executable} ${bytes.length}\n`).update(bytes);
  };
  add("manifest", manifestPath(recipe, arch));
  add("initrd-init.sh", initrdInit);
  add("customize.sh", `${recipe.base}/customize.sh`);
  add("recipe.sh", `${recipe.folder}/recipe.sh`);
  for (const file of filesUnder(`${recipe.base}/files`)) add(`files/${file}`, `${recipe.base}/files/${file}`);
  return hash.digest("hex");
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort();
}
