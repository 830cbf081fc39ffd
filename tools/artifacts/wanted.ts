import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { wantedWorlds as worldsOfSite } from "../../components/board-image.ts";
import type { WantedWord } from "../../formats/apk-closure.ts";
import { printProblems } from "../../site/problem.ts";
import { readStack, readStackConfig } from "../../stacks/read-stack.ts";
import { basesIn, isPart } from "../../stacks/site-files.ts";
import type { AlpineArch } from "./known.ts";

/** The words of apk's world that one kind of machine has, each with who asks for it. */
export type World = readonly WantedWord[];
/** The worlds of all kinds of machines of an architecture. */
export type Wanted = (arch: AlpineArch) => readonly World[];

/**
 * What the boards of a project's sites have in their systems: of every stack, and of every site file beside them.
 * @throws Error with what is wrong with a site file, since what it asks for is not known then
 */
export async function wantedWorlds(project: string): Promise<Wanted> {
  const folder = join(project, "stacks");
  const worlds: World[] = [];
  const bases = await basesIn(folder);
  for (const stack of await stacksIn(folder)) {
    const read = await readStack(folder, stack, await readStackConfig(folder, stack));
    if (isPart(join(folder, `${stack}.yaml`), read, bases)) continue;
    if (!read.ok)
      throw new Error(`What boards are to have is not known yet:\n${printProblems(read.problems).trimEnd()}`);
    for (const world of worldsOfSite(read.site)) {
      worlds.push(
        world.map(({ word, where, path }) => {
          if (path === undefined) return { word, where };
          const [place] = read.locate([{ rule: "", path, message: "", hint: "" }]);
          return { word, where: `${place?.file}:${place?.line}` };
        }),
      );
    }
  }
  // Every board that boots over the network is a Raspberry Pi.
  return (arch) => (arch === "aarch64" ? worlds : []);
}

/** The same with words that the user gives, for each architecture. */
export function alsoWanted(wanted: Wanted, words: readonly string[]): Wanted {
  const given = words.map((word) => ({ word, where: "--package" }));
  return (arch) => [...wanted(arch), ...(given.length === 0 ? [] : [given])];
}

/** Names of stacks, and of site files that have no stack yet. */
async function stacksIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
  return [...new Set(files.map((file) => file.replace(/^Pulumi\.|\.yaml$/g, "")))].sort();
}
