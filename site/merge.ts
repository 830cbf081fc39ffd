import type { Layer } from "./layer.ts";
import { nearest } from "./nearest.ts";
import { type Finding, type Path, show, showPath } from "./problem.ts";

/** How the documents of a site are laid over each other. */

/** A site laid together. */
export interface Merged {
  readonly value: unknown;
  /** Where a layer contradicts what it lies on; each says by `layer` which one does. */
  readonly conflicts: readonly Conflict[];
}

export interface Conflict {
  readonly finding: Finding;
  readonly layer: Layer;
}

/**
 * Lays documents over each other: mappings key by key, and everything else takes the place of what was there, lists too.
 * `null` takes out a key of what lies below. What contradicts itself is a conflict and changes nothing: keys over a plain
 * value or the other way round, a null that takes out nothing, and a key with nothing after it.
 * @param layers from the furthest base to what is laid over last; alone, a document stays as it is.
 */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const [bottom, ...others] = layers;
  const conflicts: Conflict[] = [];
  let value = bottom?.value;
  let below = bottom === undefined ? [] : [bottom];
  for (const layer of others) {
    value = lay(value, layer.value, [], { layer, below, conflicts });
    below = [...below, layer];
  }
  return { value, conflicts };
}

/**
 * The layer that said what stands at a path, or as much of the path as there is. A mapping that several of them add to
 * is the uppermost file's.
 */
export function originOf(layers: readonly Layer[], path: Path): Layer | undefined {
  let best: { layer: Layer; depth: number } | undefined;
  for (const layer of [...layers].reverse()) {
    const { depth, replaces } = reachIn(layer.value, path);
    const better = best === undefined || depth > best.depth || (depth === best.depth && !best.layer.hasLines);
    if (better) best = { layer, depth };
    if (replaces) break; // it is the last word: what lies below it is not seen any more
  }
  return best?.layer;
}

interface Laying {
  readonly layer: Layer;
  /** What it is laid on. */
  readonly below: readonly Layer[];
  readonly conflicts: Conflict[];
}

function lay(under: unknown, over: unknown, path: Path, laying: Laying): unknown {
  const refuse = (rule: string, message: string, hint: string) => {
    laying.conflicts.push({ finding: { rule, path, message, hint }, layer: laying.layer });
    return under;
  };
  if (under !== undefined && under !== null && isRecord(under) !== isRecord(over)) {
    const what = path.length === 0 ? "the whole" : showPath(path);
    const hint = isRecord(under)
      ? "change the keys that differ, or write null to take out all of it"
      : "write one value, or another key";
    return refuse("merge-conflict", `${what} is ${show(over)} here, and ${show(under)} in ${said(path, laying)}`, hint);
  }
  if (!isRecord(over)) return over;
  const merged = new Map(isRecord(under) ? Object.entries(under) : []);
  for (const [key, value] of Object.entries(over)) {
    const inner = [...path, key];
    if (value !== null) merged.set(key, lay(merged.get(key), value, inner, laying));
    else if (remove(merged, inner, laying)) merged.delete(key);
  }
  return Object.fromEntries(merged);
}

/** Whether a null may take out a key; a conflict where not. */
function remove(merged: ReadonlyMap<string, unknown>, path: Path, { layer, below, conflicts }: Laying): boolean {
  const key = String(path.at(-1));
  const refuse = (rule: string, message: string, hint: string) => {
    conflicts.push({ finding: { rule, path, message, hint }, layer });
    return false;
  };
  if (layer.written(path) === "") {
    const hint = merged.has(key) ? "give it one, or write null to take it out" : "give it one, or remove the key";
    return refuse("wrong-type", `${showPath(path)} has no value`, hint);
  }
  if (merged.has(key)) return true;
  const meant = nearest(key, [...merged.keys()]);
  const hint = `${meant === undefined ? "" : `did you mean ${meant}? `}null takes out what is below; remove this line`;
  const files = below.map(({ file }) => file).join(" and ");
  return refuse("removes-nothing", `${showPath(path)} is null, and ${files} has nothing there to take out`, hint);
}

/** Where the layers below have what a path names: `base.yaml, line 3`. */
function said(path: Path, { below }: Laying): string {
  const place = originOf(below, path)?.place(path);
  if (place === undefined) return "what lies below";
  return place.line === 0 ? place.file : `${place.file}, line ${place.line}`;
}

/** How many parts of a path some data has, and whether it hides there what lies below. */
function reachIn(data: unknown, path: Path): { depth: number; replaces: boolean } {
  let value = data;
  for (const [depth, part] of path.entries()) {
    if (typeof value !== "object" || value === null) return { depth, replaces: value !== undefined };
    if (!Object.hasOwn(value, part)) return { depth, replaces: Array.isArray(value) };
    value = Reflect.get(value, part);
  }
  return { depth: path.length, replaces: !isRecord(value) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
