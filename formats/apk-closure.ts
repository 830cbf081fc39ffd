import { type ApkDependency, isMet, parseApkDependency } from "./apk-dependency.ts";
import type { ApkRepositoryIndex, Candidate, Name, Reason } from "./apk-graph.ts";
import type { ApkPackage } from "./apk-index.ts";
import { type Solution, solve } from "./apk-solver.ts";

/** A word of apk's world (`chrony`, `chrony>=4.8`, `!openntpd`), and who asks for it: `boards.pi1.image`. */
export interface WantedWord {
  readonly word: string;
  readonly where: string;
}

export interface ClosurePackage {
  /** The repository's name: `main`. */
  readonly repository: string;
  readonly package: ApkPackage;
}

export type Closure =
  /** Sorted by name. */
  | { readonly kind: "found"; readonly packages: readonly ClosurePackage[] }
  /** What is in the way, a sentence for each. */
  | { readonly kind: "impossible"; readonly problems: readonly string[] };

/** Gives the name that was probably meant, or undefined. */
export type Nearest = (name: string, known: readonly string[]) => string | undefined;

/**
 * The packages that apk installs for these words on an empty system: those, what they depend on, and what comes by
 * itself with them (`install_if`).
 * @param repositories in the order of /etc/apk/repositories
 */
export function apkClosure(
  wanted: readonly WantedWord[],
  repositories: readonly ApkRepositoryIndex[],
  nearest: Nearest = () => undefined,
): Closure {
  const places = new Map<string, string[]>();
  for (const { word, where } of wanted) places.set(word, [...new Set([...(places.get(word) ?? []), where])]);
  const asked = [...places.keys()].map((word) => ({ word, dependency: parseApkDependency(word) }));
  const asks = ({ word }: Pick<ApkDependency, "word">) => `${word} (${places.get(word)?.join(", ") ?? "asked for"})`;
  const wrong = asked.filter(({ dependency }) => dependency === undefined);
  if (wrong.length > 0) return { kind: "impossible", problems: wrong.map((each) => `${asks(each)}: ${wordHelp}`) };

  const solution = solve(
    asked.flatMap(({ dependency }) => (dependency === undefined ? [] : [dependency])),
    repositories,
  );
  const problems = describe(solution, asks, (name) =>
    nearest(
      name,
      repositories.flatMap(({ packages }) => packages.map((each) => each.name)),
    ),
  );
  if (problems.length > 0) return { kind: "impossible", problems };
  const packages = solution.taken.map(
    (each): ClosurePackage => ({ repository: repositories[each.rank]?.name ?? "", package: each.package }),
  );
  return { kind: "found", packages: packages.sort((a, b) => (a.package.name < b.package.name ? -1 : 1)) };
}

const wordHelp =
  "is no word of apk's world; such are chrony, chrony=4.8-r1, chrony>=4.8, chrony~4.8 and !chrony, without a tag";

function describe(
  { open, clashes, unmet }: Solution,
  asks: (dependency: ApkDependency) => string,
  nearest: (name: string) => string | undefined,
): readonly string[] {
  const problems = [
    ...open.flatMap((name) => {
      const found = explain(name, new Set());
      return found.length > 0 ? found : [`nothing can be taken for ${name.text}: all that provides it excludes itself`];
    }),
    ...clashes.map(({ name, first, second }) => `${path(first)} and ${path(second)} both provide ${name.text}`),
    ...unmet.map(({ need: { dependency, name }, by }) => {
      const taken = name.chosen === "none" || name.chosen === undefined ? name.text : path(name.chosen.candidate);
      if (dependency.isConflict) return `${source(dependency, by)} excludes ${taken}`;
      return `${source(dependency, by)} asks for ${dependency.word}, and ${taken} is taken, which is not that`;
    }),
  ];
  return [...new Set(problems)];

  /** Why nothing can be taken for a name: what is at the bottom of it. */
  function explain(name: Name, seen: Set<Name>): readonly string[] {
    if (seen.has(name)) return [];
    seen.add(name);
    const [ask] = name.needed;
    const needed = ask === undefined ? "" : ` (needed by ${source(ask.dependency, ask.by)})`;
    if (name.providers.length === 0) {
      const near = nearest(name.text);
      const hint = near === undefined ? "" : `; the nearest name is ${near}`;
      return [`there is no package ${name.text}${needed}${hint}`];
    }
    const left = name.providers.filter(({ candidate }) => candidate.excluded === undefined);
    if (left.length > 0) {
      const choice = left.map(({ candidate }) => candidate.package.name).sort();
      return [`${name.text} is provided by ${choice.join(" and ")}; ask for one of them by name${needed}`];
    }
    const reasons = name.providers.map(({ candidate }) => ({ candidate, reason: candidate.excluded }));
    const deeper = reasons.flatMap(({ candidate, reason }) =>
      reason?.kind === "needs" ? unmeetable(candidate, reason, seen) : [],
    );
    const here = reasons.flatMap(({ candidate, reason }) =>
      reason === undefined || reason.kind === "needs" ? [] : [exclusion(candidate, reason)],
    );
    return here.length === 0
      ? deeper
      : [`nothing can be taken for ${name.text}${needed}: ${here.join("; ")}`, ...deeper];
  }

  function unmeetable(
    candidate: Candidate,
    { need: { dependency, name } }: Extract<Reason, { kind: "needs" }>,
    seen: Set<Name>,
  ): readonly string[] {
    const label = `${labelOf(candidate)}${reasonFor(candidate)}`;
    if (dependency.isConflict) return [`${label} excludes ${dependency.word.slice(1)}, which is needed too`];
    if (name.chosen !== undefined && name.chosen !== "none")
      return [`${label} needs ${dependency.word}, and ${path(name.chosen.candidate)} is taken, which is not that`];
    if (name.providers.length === 0) {
      const near = nearest(name.text);
      return [
        `there is no package ${name.text} (needed by ${label})${near === undefined ? "" : `; the nearest name is ${near}`}`,
      ];
    }
    if (name.providers.every(({ provision }) => !isMet(dependency, provision))) {
      const there = name.providers.map(({ candidate: each }) => labelOf(each)).join(" and ");
      return [`${label} needs ${dependency.word}, and there is only ${there}`];
    }
    const found = explain(name, seen);
    return found.length > 0 ? found.map((each) => `${label} needs ${dependency.word}: ${each}`) : [];
  }

  function exclusion(candidate: Candidate, reason: Exclude<Reason, { kind: "needs" }>): string {
    const label = labelOf(candidate);
    if (reason.kind === "taken") return `${label} and ${path(reason.by)} both provide ${reason.name.text}`;
    if (reason.kind === "broken") return `${label} depends on ${JSON.stringify(reason.word)}, which is no dependency`;
    if (reason.kind === "apart")
      return `${label} and all that there is for ${reason.other.text} both provide ${reason.name.text}`;
    const { dependency, by } = reason;
    if (dependency.isConflict) return `${label} is excluded by ${dependency.word} of ${source(dependency, by)}`;
    return `${label} is not ${dependency.word}, which ${by === undefined ? asks(dependency) : path(by)} asks for`;
  }

  /** A package, and by what way it is needed: "libfoo-1-r0 ← foo-1-r0 ← foo (boards.pi1.image)". */
  function path(candidate: Candidate): string {
    return `${labelOf(candidate)}${reasonFor(candidate)}`;
  }

  function reasonFor(candidate: Candidate): string {
    const seen = new Set<Candidate>();
    let text = "";
    let at = candidate;
    for (;;) {
      seen.add(at);
      const ask = asksFor(at).find(({ by }) => by === undefined || !seen.has(by));
      if (ask === undefined) return at.isTriggered ? `${text} ← (with ${at.package.installIf.join(" and ")})` : text;
      if (ask.by === undefined) return `${text} ← ${asks(ask.dependency)}`;
      at = ask.by;
      text += ` ← ${labelOf(at)}`;
    }
  }

  function source(dependency: ApkDependency, by: Candidate | undefined): string {
    return by === undefined ? asks(dependency) : path(by);
  }
}

function asksFor({ provisions }: Candidate): Name["needed"] {
  return provisions.flatMap(({ of }) => of.needed);
}

function labelOf({ package: { name, version } }: Candidate): string {
  return `${name}-${version}`;
}
