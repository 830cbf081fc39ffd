import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Architectures by Debian's names. */
export const architectures = ["amd64", "arm64"] as const;
export type Arch = (typeof architectures)[number];

/**
 * What a guest image is made of. The base, which recipes share: `packages` (one a line, `@arch@` stands for the
 * architecture), `files/` (laid over the root) and `customize.sh` (run in the root). The recipe's own: more `packages`,
 * `recipe.sh` (sourced by that script) and a manifest per architecture.
 */
export interface Recipe {
  readonly name: string;
  readonly folder: string;
  /** The folder of the base. */
  readonly base: string;
  /** Debian's code name. */
  readonly suite: string;
  /** Bytes of the disk as the guest first sees it; an overlay may be larger, and the guest grows into it. */
  readonly virtualSize: number;
}

/** A Slurm controller or worker: which of the two is said by the seed and the steps after it. */
export const slurmNode: Recipe = debian13("debian-13-slurm");

/** A k3s server or agent, without k3s: that is brought by a step, in the version that the site file names. */
export const k3sNode: Recipe = debian13("debian-13-k3s");

export const recipes: readonly Recipe[] = [slurmNode, k3sNode];

/** What the VMs of each type of cluster are made from. */
export const recipeOf = { slurm: slurmNode, k3s: k3sNode } as const;

/** @throws Error naming the recipes there are. */
export function recipeNamed(name: string): Recipe {
  const found = recipes.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  throw new Error(`There is no image "${name}". There is: ${recipes.map((recipe) => recipe.name).join(", ")}.`);
}

/** The packages that the recipe asks for by name, without what they depend on. */
export function askedPackages(recipe: Recipe, arch: Arch): readonly string[] {
  return [recipe.base, recipe.folder].flatMap((folder) =>
    readFileSync(`${folder}/packages`, "utf8")
      .split("\n")
      .map((line) => line.replace(/#.*/, "").replaceAll("@arch@", arch).trim())
      .filter((line) => line !== ""),
  );
}

/** This machine's architecture; images are built on the architecture they are for. */
export function machineArch(): Arch {
  if (process.arch === "x64") return "amd64";
  if (process.arch === "arm64") return "arm64";
  throw new Error(`Guest images exist for ${architectures.join(" and ")}; this machine is ${process.arch}.`);
}

export function manifestPath(recipe: Recipe, arch: Arch): string {
  return `${recipe.folder}/${arch}.manifest`;
}

function debian13(name: string): Recipe {
  return { name, suite: "trixie", virtualSize: 3 * 1024 ** 3, folder: beside(name), base: beside("debian-13") };
}

function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
