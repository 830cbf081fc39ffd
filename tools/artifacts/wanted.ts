import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { wantedPackages as packagesOfSite } from "../../components/board-image.ts";
import type { WantedWord } from "../../formats/apk-closure.ts";
import { printProblems } from "../../site/problem.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import type { AlpineArch } from "./known.ts";

/** The words of apk's world that machines of an architecture have, each with who asks for it. */
export type Wanted = (arch: AlpineArch) => readonly WantedWord[];

/**
 * What the boards of a project's sites have in their systems: of every stack, and of every site file beside them.
 * @throws Error with what is wrong with a site file, since what it asks for is not known then
 */
export async function wantedPackages(project: string): Promise<Wanted> {
  const folder = join(project, "stacks");
  const words: WantedWord[] = [];
  for (const stack of await stacksIn(folder)) {
    const read = await readStack(folder, stack, await readStackConfig(folder, stack));
    if (!read.ok)
      throw new Error(`What boards are to have is not known yet:\n${printProblems(read.problems).trimEnd()}`);
    for (const { word, where, path } of packagesOfSite(read.site)) {
      const { file, line } = read.locate({ rule: "", path: path ?? [], message: "", hint: "" });
      words.push({ word, where: path === undefined ? where : `${file}:${line}` });
    }
  }
  const each = [...new Map(words.map((wanted) => [`${wanted.word} ${wanted.where}`, wanted])).values()];
  // Every board that boots over the network is a Raspberry Pi.
  return (arch) => (arch === "aarch64" ? each : []);
}

/** The same with words that the user gives, for each architecture. */
export function alsoWanted(wanted: Wanted, words: readonly string[]): Wanted {
  return (arch) => [...wanted(arch), ...words.map((word) => ({ word, where: "--package" }))];
}

/** Names of stacks, and of site files that have no stack yet. */
async function stacksIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
  return [...new Set(files.map((file) => file.replace(/^Pulumi\.|\.yaml$/g, "")))].sort();
}
