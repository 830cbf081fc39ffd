import type { NamedLayer, Runlevel, SystemFile, SystemLayer, SystemUser } from "./alpine-system.ts";

/** Something of a system, and where it is from. */
export interface Chosen<T> {
  readonly value: T;
  /** The layer whose word counts. */
  readonly from: string;
  /** The layers before it that said something else of the same name. */
  readonly over: readonly string[];
}

/** Several layers as one; of all that has a name, the last layer's word counts. */
export interface MergedLayers {
  /** Words of apk's world, by the package's name. */
  readonly packages: ReadonlyMap<string, Chosen<string>>;
  readonly services: Readonly<Record<Runlevel, ReadonlyMap<string, Chosen<string>>>>;
  /** By absolute path. A file replaces one of an earlier layer whole. */
  readonly files: ReadonlyMap<string, Chosen<SystemFile>>;
  /** With the keys and groups of all layers: a layer that adds a key must not lock out whom an earlier one lets in. */
  readonly users: ReadonlyMap<string, Chosen<SystemUser>>;
  readonly sysctls: ReadonlyMap<string, Chosen<string>>;
  /** Lines of etc/modules, by the module's name. */
  readonly modules: ReadonlyMap<string, Chosen<string>>;
  /** Services that a layer takes away although none before it has them. */
  readonly idle: readonly IdleWord[];
}

export interface IdleWord {
  readonly layer: string;
  readonly runlevel: Runlevel;
  readonly name: string;
}

export const runlevels: readonly Runlevel[] = ["sysinit", "boot", "default", "shutdown"];

/** The layers on top of each other, the first one lowest. */
export function mergeLayers(layers: readonly NamedLayer[]): MergedLayers {
  const [sysinit, boot, normal, shutdown] = [
    mergeServices(layers, "sysinit"),
    mergeServices(layers, "boot"),
    mergeServices(layers, "default"),
    mergeServices(layers, "shutdown"),
  ];
  return {
    packages: merge(layers, ({ packages = [] }) => packages.map((word) => [packageName(word), word])),
    services: { sysinit: sysinit.chosen, boot: boot.chosen, default: normal.chosen, shutdown: shutdown.chosen },
    files: merge(layers, ({ files = {} }) => Object.entries(files)),
    users: mergeUsers(layers),
    sysctls: merge(layers, ({ sysctls = {} }) => Object.entries(sysctls)),
    modules: merge(layers, ({ modules = [] }) => modules.map((line) => [moduleName(line), line])),
    idle: [sysinit, boot, normal, shutdown].flatMap(({ idle }) => idle),
  };
}

/** The package that a word of apk's world is about. */
export function packageName(word: string): string {
  return word.replace(/^!/, "").replace(/[<>=~@].*$/s, "");
}

/** The module that a line of etc/modules loads: what stands before its parameters. */
export function moduleName(line: string): string {
  return line.split(" ", 1)[0] ?? line;
}

/** What is taken away by a word, if it takes something away. */
export function takenAway(word: string): string | undefined {
  return word.startsWith("!") ? word.slice(1) : undefined;
}

/** Sorts by the characters' codes, which is the same in every locale. */
export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

function merge<T>(
  layers: readonly NamedLayer[],
  partsOf: (layer: SystemLayer) => readonly (readonly [string, T])[],
): ReadonlyMap<string, Chosen<T>> {
  const chosen = new Map<string, Chosen<T>>();
  for (const { name: from, layer } of layers) {
    for (const [name, value] of partsOf(layer)) chosen.set(name, choose(chosen.get(name), value, from));
  }
  return new Map([...chosen].sort(byName));
}

function mergeUsers(layers: readonly NamedLayer[]): ReadonlyMap<string, Chosen<SystemUser>> {
  const chosen = new Map<string, Chosen<SystemUser>>();
  for (const { name: layer, layer: parts } of layers) {
    for (const user of parts.users ?? []) {
      const before = chosen.get(user.name);
      const value = before === undefined ? user : bothOf(before.value, user);
      chosen.set(user.name, { value, from: before === undefined ? layer : `${before.from} and ${layer}`, over: [] });
    }
  }
  return new Map([...chosen].sort(byName));
}

function bothOf(before: SystemUser, after: SystemUser): SystemUser {
  const groups = [...new Set([...(before.groups ?? []), ...(after.groups ?? [])])];
  const keys = [...new Set([...(before.keys ?? []), ...(after.keys ?? [])])];
  return { ...before, ...after, groups, keys };
}

function choose<T>(before: Chosen<T> | undefined, value: T, from: string): Chosen<T> {
  if (before === undefined) return { value, from, over: [] };
  if (inOrder(before.value) === inOrder(value)) return before;
  return { value, from, over: [...before.over, before.from] };
}

/** A value as text, the same in whatever order its keys are. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    return typeof part === "object" && part !== null ? Object.fromEntries(Object.entries(part).sort(byName)) : part;
  });
}

function mergeServices(layers: readonly NamedLayer[], runlevel: Runlevel) {
  const chosen = new Map<string, Chosen<string>>();
  const idle: IdleWord[] = [];
  for (const { name: layer, layer: parts } of layers) {
    for (const word of parts.services?.[runlevel] ?? []) {
      const gone = takenAway(word);
      if (gone === undefined) chosen.set(word, choose(chosen.get(word), word, layer));
      else if (!chosen.delete(gone)) idle.push({ layer, runlevel, name: gone });
    }
  }
  return { chosen: new Map([...chosen].sort(byName)), idle };
}
