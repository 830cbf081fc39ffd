import { type ApkDependency, type ApkProvision, parseApkDependency, parseApkProvision } from "./apk-dependency.ts";
import type { ApkPackage } from "./apk-index.ts";

/** The packages of one repository. */
export interface ApkRepositoryIndex {
  /** `main`. */
  readonly name: string;
  readonly packages: readonly ApkPackage[];
}

/** A package in a search. */
export interface Candidate {
  readonly package: ApkPackage;
  /** Of its repository; that of the first is 0. */
  readonly rank: number;
  readonly own: Name;
  /** What it provides; its own name is the first. */
  readonly provisions: readonly Provision[];
  /** Known once one of its names is explored. */
  readonly depends: Need[];
  /** Why it cannot be taken; undefined where it can. */
  excluded: Reason | undefined;
  /** Whether all that it comes with by itself (`install_if`) is taken. */
  isTriggered: boolean;
}

/** A name, and what a search knows of it. */
export interface Name {
  readonly text: string;
  readonly providers: readonly Provider[];
  /** Packages that are known to depend on it. */
  readonly dependents: Candidate[];
  /** Who asks for it: a package, or, undefined, the world. Where nobody does, it is not needed. */
  readonly needed: { readonly dependency: ApkDependency; readonly by: Candidate | undefined }[];
  /** `none`: nothing is to provide it. */
  chosen: Provider | "none" | undefined;
  /** Whether what its packages depend on has changed since that was looked at. */
  isStale: boolean;
  /** The later it was explored to its end, the nearer to the world it is; 0 where it was not. */
  order: number;
}

export interface Provider {
  readonly candidate: Candidate;
  readonly provision: ApkProvision;
}

export interface Provision extends ApkProvision {
  readonly of: Name;
}

export interface Need {
  readonly dependency: ApkDependency;
  readonly name: Name;
}

/** Why a package cannot be taken. */
export type Reason =
  /** It is not what somebody asks for, or asks not to be there. */
  | { readonly kind: "unfit"; readonly dependency: ApkDependency; readonly by: Candidate | undefined }
  /** It provides a name that another one provides already. */
  | { readonly kind: "taken"; readonly name: Name; readonly by: Candidate }
  /** Something that it needs cannot be had. */
  | { readonly kind: "needs"; readonly need: Need }
  /** It depends on something that is no dependency, which apk does not install either. */
  | { readonly kind: "broken"; readonly word: string }
  /** All that is left for the other name provides this one too. */
  | { readonly kind: "apart"; readonly name: Name; readonly other: Name };

/** Names and packages as a search comes to them; of an index with 25,000 packages, most are never looked at. */
export interface Graph {
  name(text: string): Name;
  /** Makes known what the packages that provide a name depend on, and so on. */
  explore(name: Name): void;
  /** Packages that come by themselves where, among others, this name is there. */
  comingWith(name: Name): readonly Candidate[];
  /** Packages that come by themselves where, among others, something is not there. */
  comingWithout(): readonly Candidate[];
  /** What a package comes with. */
  companions(candidate: Candidate): readonly Need[];
}

interface Listed {
  readonly package: ApkPackage;
  readonly rank: number;
}

export function readGraph(repositories: readonly ApkRepositoryIndex[]): Graph {
  const byName: Lists = new Map();
  const byCompanion: Lists = new Map();
  const lonely: Listed[] = [];
  for (const [rank, { packages }] of repositories.entries()) {
    for (const each of packages) {
      const listed = { package: each, rank };
      add(byName, each.name, listed);
      for (const word of each.provides) add(byName, nameIn(word), listed);
      for (const word of each.installIf) {
        if (word.startsWith("!")) lonely.push(listed);
        else add(byCompanion, nameIn(word), listed);
      }
    }
  }

  const names = new Map<string, Name>();
  const candidates = new Map<Listed, Candidate>();
  const companions = new Map<Candidate, readonly Need[]>();
  const explored = new Set<Candidate>();
  let order = 0;

  function name(text: string): Name {
    const known = names.get(text);
    if (known !== undefined) return known;
    const providers: Provider[] = [];
    const made: Name = { text, providers, dependents: [], needed: [], chosen: undefined, isStale: false, order: 0 };
    names.set(text, made);
    for (const listed of new Set(all(byName, text)))
      providers.push({ candidate: candidate(listed), provision: provisionOf(listed.package, text) });
    return made;
  }

  function candidate(listed: Listed): Candidate {
    const known = candidates.get(listed);
    if (known !== undefined) return known;
    const { name: own, version, provides } = listed.package;
    const provisions: Provision[] = [];
    const made: Candidate = {
      ...listed,
      own: name(own),
      provisions,
      depends: [],
      excluded: undefined,
      isTriggered: false,
    };
    // Making the name came here already, where the package was not known yet.
    const since = candidates.get(listed);
    if (since !== undefined) return since;
    candidates.set(listed, made);
    provisions.push({ name: own, version, of: made.own });
    const given = new Set([own]);
    for (const word of provides) {
      const provision = parseApkProvision(word);
      if (given.has(provision.name)) continue;
      given.add(provision.name);
      provisions.push({ ...provision, of: name(provision.name) });
    }
    return made;
  }

  function needsOf(of: Candidate, words: readonly string[]): readonly Need[] {
    return words.flatMap((word) => {
      const dependency = parseApkDependency(word);
      if (dependency !== undefined) return [{ dependency, name: name(dependency.name) }];
      of.excluded ??= { kind: "broken", word };
      return [];
    });
  }

  function explore(from: Name): void {
    if (from.order !== 0) return;
    from.order = -1; // on the way: dependencies may go in a circle
    for (const { candidate: each } of from.providers) {
      if (explored.has(each)) continue;
      explored.add(each);
      const needs = needsOf(each, each.package.depends);
      each.depends.push(...needs);
      for (const need of needs) {
        need.name.dependents.push(each);
        explore(need.name);
      }
      for (const { of } of each.provisions) {
        explore(of);
        of.isStale ||= needs.some(isTouched);
      }
    }
    for (const { own } of comingWith(from)) explore(own);
    from.order = ++order;
  }

  function comingWith({ text }: Name): readonly Candidate[] {
    return all(byCompanion, text).map(candidate);
  }

  return {
    name,
    explore,
    comingWith,
    comingWithout: () => lonely.map(candidate),
    companions(each) {
      const known = companions.get(each) ?? needsOf(each, each.package.installIf);
      companions.set(each, known);
      return known;
    },
  };
}

/** Whether a search was here before. */
function isTouched({ name: { chosen, providers } }: Need): boolean {
  return chosen !== undefined || providers.some(({ candidate }) => candidate.excluded !== undefined);
}

function provisionOf({ name, version, provides }: ApkPackage, wanted: string): ApkProvision {
  if (name === wanted) return { name, version };
  const word = provides.find((each) => nameIn(each) === wanted);
  return word === undefined ? { name: wanted, version: undefined } : parseApkProvision(word);
}

/** The name in a word that has no `!`. */
function nameIn(word: string): string {
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code >= 60 && code <= 62) return word.slice(0, at); // < = >
    if (code === 126) return word.slice(0, at); // ~
  }
  return word;
}

/** Most names have one package: a list for each of 100,000 would take longer than all the rest. */
type Lists = Map<string, Listed | Listed[]>;

function add(lists: Lists, key: string, listed: Listed): void {
  const there = lists.get(key);
  if (there === undefined) lists.set(key, listed);
  else if (Array.isArray(there)) there.push(listed);
  else lists.set(key, [there, listed]);
}

function all(lists: Lists, key: string): readonly Listed[] {
  const there = lists.get(key);
  return there === undefined ? [] : Array.isArray(there) ? there : [there];
}
