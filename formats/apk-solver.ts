import { type ApkDependency, isMet } from "./apk-dependency.ts";
import {
  type ApkRepositoryIndex,
  type Candidate,
  type Name,
  type Need,
  type Provider,
  type Reason,
  readGraph,
} from "./apk-graph.ts";
import { type Reached, reached } from "./apk-reached.ts";
import { compareApkVersions } from "./apk-version.ts";

export interface Solution extends Reached {
  /** Packages that are needed both, and provide the same name. */
  readonly clashes: readonly Clash[];
}

export interface Clash {
  readonly name: Name;
  readonly first: Candidate;
  readonly second: Candidate;
}

/**
 * Which packages apk takes for a world on an empty system. Like apk's, this search deduces what it can (a name that one
 * package alone is left for; what all that are left for a name depend on), else takes the best for the name nearest to
 * the world, and never goes back: where it finds no way, a board's apk finds none either.
 */
export function solve(world: readonly ApkDependency[], repositories: readonly ApkRepositoryIndex[]): Solution {
  const graph = readGraph(repositories);
  /** Names to look at again. */
  const dirty = new Set<Name>();
  /** Names that something is to be taken for. */
  const waiting = new Set<Name>();
  const settled = new Set<Candidate>();
  const triggered: Candidate[] = [];
  const clashes: Clash[] = [];
  const asked = [...world]
    .sort((a, b) => (a.word < b.word ? -1 : 1))
    .map((dependency): Need => ({ dependency, name: graph.name(dependency.name) }));

  for (const { name } of asked) graph.explore(name);
  for (const need of asked) apply(need, undefined);
  for (;;) {
    deduce();
    const next = nextWaiting();
    if (next !== undefined) select(next);
    else if (!triggerRest()) break;
  }
  return { ...reached(asked, triggered, graph.companions), clashes };

  function deduce(): void {
    for (const name of dirty) {
      dirty.delete(name);
      if (isUndecided(name)) reconsider(name);
    }
  }

  function isUndecided(name: Name): boolean {
    return name.chosen === undefined && waiting.has(name);
  }

  function lookAgain(name: Name): void {
    if (isUndecided(name)) dirty.add(name);
  }

  /** A need holds: its name is needed, and what does not meet it cannot be taken. */
  function apply(need: Need, by: Candidate | undefined): void {
    const { dependency, name } = need;
    if (!dependency.isConflict) needName(need, by);
    for (const { candidate, provision } of name.providers) {
      const isOwn = dependency.isConflict && candidate === by;
      if (!isOwn && !isMet(dependency, provision)) exclude(candidate, { kind: "unfit", dependency, by });
    }
  }

  function needName({ dependency, name }: Need, by: Candidate | undefined): void {
    name.needed.push({ dependency, by });
    if (name.needed.length > 1) return;
    graph.explore(name);
    if (name.chosen !== undefined) return;
    waiting.add(name);
    dirty.add(name);
    // A stand-in may be taken once its package is asked for by its own name.
    for (const { candidate } of name.providers) for (const { of } of candidate.provisions) lookAgain(of);
  }

  function exclude(candidate: Candidate, reason: Reason): void {
    if (candidate.excluded !== undefined) return;
    candidate.excluded = reason;
    touch(candidate);
  }

  /** All that hangs on a package is to be looked at again. */
  function touch(candidate: Candidate): void {
    for (const { of } of candidate.provisions) {
      lookAgain(of);
      touchDependents(of);
    }
  }

  function touchDependents(name: Name): void {
    for (const { provisions } of name.dependents) {
      for (const { of } of provisions) {
        of.isStale = true;
        lookAgain(of);
      }
    }
  }

  function reconsider(name: Name): void {
    if (name.isStale) {
      name.isStale = false;
      for (const { candidate } of name.providers) {
        if (candidate.excluded !== undefined) continue;
        const need = candidate.depends.find((each) => !canBeMet(each, candidate));
        if (need !== undefined) exclude(candidate, { kind: "needs", need });
      }
    }
    const left = name.needed.length === 0 ? [] : name.providers.filter(isLeft);
    const [one, ...others] = left;
    if (one === undefined) return;
    const { candidate } = one;
    if (others.length === 0) {
      if (isEligible(one) && name.dependents.every(isDecided)) {
        take(candidate);
        return;
      }
      settle(candidate);
    } else {
      for (const need of candidate.depends) {
        if (need.dependency.isConflict || need.name.needed.length > 0) continue;
        if (others.every((other) => other.candidate.depends.some((each) => isSameName(each, need))))
          needName(need, candidate);
      }
    }
    for (const { of } of candidate.provisions)
      if (of !== name && others.every((other) => provides(other.candidate, of))) keepApart(of, name, left);
  }

  /** All that is left for `name` provides `other` too, so that what provides `other` alone would clash with it. */
  function keepApart(other: Name, name: Name, left: readonly Provider[]): void {
    const sharesName = left.some(({ candidate }) =>
      candidate.provisions.some(({ of, version }) => of === other && version === undefined),
    );
    for (const { candidate, provision } of other.providers) {
      if (provides(candidate, name)) continue;
      // Any number of packages may provide a name without a version.
      if (sharesName && provision.version === undefined) continue;
      exclude(candidate, { kind: "apart", name: other, other: name });
    }
  }

  function canBeMet({ dependency, name }: Need, by: Candidate): boolean {
    const meets = ({ candidate, provision }: Provider) =>
      (dependency.isConflict && candidate === by) || isMet(dependency, provision);
    if (name.chosen === "none") return dependency.isConflict;
    if (name.chosen !== undefined) return meets(name.chosen);
    if (dependency.isConflict && name.needed.length === 0) return true;
    return name.providers.some((each) => isLeft(each) && meets(each));
  }

  /** What a package depends on holds, once it is sure to be taken. */
  function settle(candidate: Candidate): void {
    if (settled.has(candidate)) return;
    settled.add(candidate);
    for (const need of candidate.depends) apply(need, candidate);
  }

  function select(name: Name): void {
    const fitting = name.providers.filter(
      (each) => isLeft(each) && (name.needed.length > 0 ? isEligible(each) : each.candidate.isTriggered),
    );
    const [first, ...others] = fitting;
    if (first === undefined) {
      name.chosen = "none";
      waiting.delete(name);
      touchDependents(name);
    } else take(others.reduce((best, each) => (isBetter(each, best) ? each : best), first).candidate);
  }

  function take(candidate: Candidate): void {
    for (const { of, ...provision } of candidate.provisions) {
      waiting.delete(of);
      const isShared = provision.version === undefined;
      if (of.chosen !== undefined && of.chosen !== "none") {
        const { candidate: first, provision: other } = of.chosen;
        if (!isShared || other.version !== undefined) clashes.push({ name: of, first, second: candidate });
        continue;
      }
      of.chosen = { candidate, provision };
      for (const other of of.providers) {
        if (other.candidate === candidate || (isShared && other.provision.version === undefined)) continue;
        exclude(other.candidate, { kind: "taken", name: of, by: candidate });
      }
    }
    touch(candidate);
    settle(candidate);
    for (const { of } of candidate.provisions) for (const each of graph.comingWith(of)) trigger(each, false);
  }

  /** Has a package come that comes by itself, if all is taken that it comes with. */
  function trigger(candidate: Candidate, isEnd: boolean): boolean {
    const { own } = candidate;
    if (candidate.isTriggered || own.chosen !== undefined) return false;
    const companions = graph.companions(candidate);
    if (candidate.excluded !== undefined) return false;
    const isThere = companions.every(({ dependency, name: { chosen } }) => {
      if (chosen === undefined) return isEnd && dependency.isConflict;
      return isMet(dependency, chosen === "none" ? undefined : chosen.provision);
    });
    if (!isThere) return false;
    candidate.isTriggered = true;
    triggered.push(candidate);
    graph.explore(own);
    waiting.add(own);
    dirty.add(own);
    return true;
  }

  /** Has packages come that come where something is not there, which is known only when all else is decided. */
  function triggerRest(): boolean {
    return graph.comingWithout().filter((each) => trigger(each, true)).length > 0;
  }

  /** Names that a package is called by come before those that are only provided; last, those that nothing is for. */
  function nextWaiting(): Name | undefined {
    let next: { readonly name: Name; readonly rank: number } | undefined;
    for (const name of waiting) {
      const isOwn = name.providers.some(({ candidate }) => candidate.own === name);
      const hasEligible = name.providers.some(
        (each) => isLeft(each) && (each.candidate.isTriggered || isEligible(each)),
      );
      const rank = name.order + (isOwn ? 1e9 : 0) + (hasEligible ? 1e10 : 0);
      if (next === undefined || rank > next.rank) next = { name, rank };
    }
    return next?.name;
  }
}

function isDecided({ provisions }: Candidate): boolean {
  return provisions.every(({ of }) => of.chosen !== undefined);
}

function isLeft({ candidate }: Provider): boolean {
  return candidate.excluded === undefined;
}

/** Nothing is taken by itself for a name that it provides without a version, unless it has a priority. */
function isEligible({ candidate, provision }: Provider): boolean {
  return provision.version !== undefined || candidate.package.priority > 0 || candidate.own.needed.length > 0;
}

/** The newest as which it is asked for, then the newest, the highest priority, the first repository, the first. */
function isBetter(one: Provider, other: Provider): boolean {
  const [a, b] = [one.candidate, other.candidate];
  const versions = [one.provision.version, other.provision.version];
  const byProvision =
    versions[0] === undefined || versions[1] === undefined ? 0 : compareApkVersions(versions[0], versions[1]);
  if (byProvision !== 0) return byProvision > 0;
  const byVersion = a.own === b.own ? compareApkVersions(a.package.version, b.package.version) : 0;
  if (byVersion !== 0) return byVersion > 0;
  if (a.package.priority !== b.package.priority) return a.package.priority > b.package.priority;
  return a.rank < b.rank;
}

function isSameName(one: Need, other: Need): boolean {
  return one.name === other.name && !one.dependency.isConflict;
}

function provides(candidate: Candidate, name: Name): boolean {
  return candidate.provisions.some(({ of }) => of === name);
}
