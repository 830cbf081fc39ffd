import fc from "fast-check";
import type { ApkRepositoryIndex } from "../../formats/apk-graph.ts";
import type { ApkPackage } from "../../formats/apk-index.ts";
import type { StubPackage } from "../doubles/apk-repository.ts";

/** Repositories and a world, as by chance. */
export interface ApkCase {
  readonly main: readonly StubPackage[];
  readonly community: readonly StubPackage[];
  readonly world: readonly string[];
}

const names = [..."abcdefghijkl"];
/** Names that packages stand in for, with versions or without. */
const shared = ["mail", "shell", "so:libx.so.1", "cmd:tool"];

/**
 * Small repositories with all that real ones have: packages in several versions, libraries and commands, virtual
 * packages with and without priorities, install_if, conflicts and versions asked for. All that is asked for exists,
 * though perhaps not in that version, as in a repository of Alpine's; so that most worlds can be had.
 * @param conflicts whether packages may exclude each other
 */
export function apkCase({ conflicts: some = true } = {}): fc.Arbitrary<ApkCase> {
  const operator = fc.constantFrom("=", "<", ">", ">=", "<=");
  const asked = fc.tuple(fc.constantFrom(...names), operator, fc.constantFrom("1-r0", "2-r0", "2.1-r0"));
  const word = fc.oneof(
    { weight: 16, arbitrary: fc.constantFrom(...names) },
    { weight: 5, arbitrary: fc.constantFrom(...shared) },
    { weight: 2, arbitrary: asked.map((parts) => parts.join("")) },
    { weight: 1, arbitrary: fc.constantFrom(...names).map((name) => `~${name}`) },
  );
  const words = (maxLength: number) => fc.uniqueArray(word.map(withFuzzy), { maxLength, selector: nameOf });
  const conflict = fc.constantFrom(...names).map((name) => `!${name}`);
  const provided = fc.constantFrom("mail", "shell", "so:liby.so.2=2.0");
  const one = (name: string) =>
    fc
      .record({
        version: fc.constantFrom("1-r0", "2-r0", "2.1-r0"),
        depends: rarely(3, words(3)),
        conflicts: some ? rarely(1, fc.tuple(conflict)) : fc.constant([]),
        provides: rarely(2, fc.uniqueArray(provided, { maxLength: 2, selector: nameOf })),
        installIf: rarely(1, fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 })),
        priority: fc.integer({ min: 0, max: 30 }),
      })
      .map(({ version, depends, conflicts, provides, installIf, priority }): StubPackage => {
        const others = (list: readonly string[]) => list.filter((each) => nameOf(each) !== name);
        const needs = new Map([...conflicts, ...depends].map((each) => [nameOf(each), each]));
        return {
          name,
          version,
          depends: others([...needs.values()]),
          provides,
          installIf: others(installIf),
          ...(priority < 15 ? {} : { priority }),
        };
      });
  const versions = (name: string) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.tuple(one(name)) },
      {
        weight: 1,
        arbitrary: fc.tuple(one(name), one(name)).map(([a, b]) => (a.version === b.version ? [a] : [a, b])),
      },
    );
  const stand = fc.tuple(...shared.map((name, index) => one(`stand${index}`).map((each) => standIn(each, name))));
  return fc
    .record({
      packages: fc.tuple(...names.map(versions)).map((all) => all.flat()),
      stand,
      inMain: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      world: fc.uniqueArray(word.map(withFuzzy), { minLength: 1, maxLength: 4, selector: nameOf }),
    })
    .map(({ packages, stand: last, inMain, world }) => {
      const all = [...packages, ...last];
      return {
        main: all.filter((_, index) => inMain[index] === true),
        community: all.filter((_, index) => inMain[index] !== true),
        world,
      };
    });
}

/** A version of a package; of numbers behind points, only those without a zero in front (apk 2 and 3 differ there). */
export function apkVersion(): fc.Arbitrary<string> {
  const number = fc.constantFrom("0", "1", "2", "9", "10", "20240101");
  const suffix = fc.constantFrom("alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p");
  const some = <T>(each: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: each });
  return fc
    .tuple(
      fc.array(number, { minLength: 1, maxLength: 4 }).map((numbers) => numbers.join(".")),
      some(fc.constantFrom("a", "b", "z")),
      fc
        .array(fc.tuple(suffix, some(number)), { maxLength: 2 })
        .map((all) => all.map(([word, nr]) => `_${word}${nr}`).join("")),
      some(fc.constantFrom("-r0", "-r1", "-r2", "-r10")),
    )
    .map((parts) => parts.join(""));
}

/** What an index says of a package that is made. */
export function indexed(stub: StubPackage): ApkPackage {
  return {
    name: stub.name,
    version: stub.version ?? "1-r0",
    arch: "x86_64",
    size: 1,
    installedSize: 4096,
    checksum: "Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=",
    depends: stub.depends ?? [],
    provides: stub.provides ?? [],
    installIf: stub.installIf ?? [],
    priority: stub.priority ?? 0,
    origin: stub.name,
  };
}

export function repositoriesOf({ main, community }: ApkCase): readonly ApkRepositoryIndex[] {
  return [
    { name: "main", packages: main.map(indexed) },
    { name: "community", packages: community.map(indexed) },
  ];
}

/** The name in a word of apk. */
export function nameOf(word: string): string {
  return word.replace(/^!/, "").replace(/[<>=~].*$/, "");
}

/** `~a` stands for `a~2` here: fast-check shrinks towards the first. */
function withFuzzy(word: string): string {
  return word.startsWith("~") ? `${word.slice(1)}~2` : word;
}

function rarely<T>(weight: number, some: fc.Arbitrary<readonly T[]>): fc.Arbitrary<readonly T[]> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant<readonly T[]>([]) }, { weight, arbitrary: some });
}

function standIn(stub: StubPackage, name: string): StubPackage {
  return { ...stub, provides: [name.includes(":") ? `${name}=1.0` : name], priority: 20 };
}
