import { type Layer, layerOf, type Place, readLayer } from "./layer.ts";
import { mergeLayers, originOf } from "./merge.ts";
import type { Finding, Path, Problem } from "./problem.ts";

/** The site document: files laid over each other, and each value knows where it was written. */
export interface SiteDocument {
  /** The whole as plain data; undefined when the YAML could not be read. */
  readonly value: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly Problem[];
  /** Where one layer contradicts another; the rest can be looked at all the same. */
  readonly conflicts: readonly Problem[];
  /** Gives a finding its place, in the layer that said the value. */
  locate(finding: Finding): Problem;
  /** A value as it was written, where that differs from what it became: `0012` and not 12. */
  written(path: Path): string | undefined;
}

export interface Overrides {
  /** Named in messages in place of the file, such as `Pulumi.home.yaml, bramble:override`. */
  readonly source: string;
  readonly value: unknown;
}

/** Reads a site document that stands for itself, with overrides laid over it. */
export function readDocument(file: string, text: string, overrides?: Overrides): SiteDocument {
  return layTogether([readLayer(file, text)], overrides);
}

/**
 * The document of a file and its bases, with overrides laid over it. A base names neither its own base nor the site.
 * @param layers the furthest base first, the file itself last
 */
export function layTogether(layers: readonly Layer[], overrides?: Overrides): SiteDocument {
  const own = layers.map((layer, index) => without(layer, index < layers.length - 1 ? ["base", "site"] : ["base"]));
  const over = overrides === undefined ? [] : [layerOf(overrides.source, overrides.value)];
  const all = [...own, ...over.map((layer) => without(layer, ["base"]))];
  const problems = all.flatMap((layer) => layer.problems);
  const { value, conflicts } = problems.length > 0 ? { value: undefined, conflicts: [] } : mergeLayers(all);
  const place = (path: Path, which?: "key" | "value"): Place =>
    originOf(all, path)?.place(path, which) ?? { file: "", line: 0, column: 0 };
  return {
    value,
    problems,
    conflicts: [
      ...over.filter(({ value }) => isMapping(value) && Object.hasOwn(value, "base")).map(baseInOverride),
      ...conflicts.map(({ layer, finding: { rule, path, message, hint } }) => {
        return { ...layer.place(path), rule, message, hint };
      }),
    ],
    locate: ({ rule, path, at, message, hint, other }) => {
      const where = place(path, at);
      const elsewhere = other === undefined ? "" : ` (${asSeenFrom(where, place(other))})`;
      return { ...where, rule, message: message + elsewhere, hint };
    },
    written: (path) => originOf(all, path)?.written(path),
  };
}

function asSeenFrom(here: Place, { file, line }: Place): string {
  const lineThere = line === 0 ? "" : `line ${line}`;
  if (file === here.file && line !== 0) return lineThere;
  return line === 0 ? file : `${file}, ${lineThere}`;
}

function baseInOverride(layer: Layer): Problem {
  const hint = "name it in the site file; bramble:site chooses another site file for this stack";
  return { ...layer.place(["base"]), rule: "bad-base", message: "an override can't name a base", hint };
}

/** A layer without some of its keys at the top; their lines are still known. */
function without(layer: Layer, keys: readonly string[]): Layer {
  const { value } = layer;
  if (!isMapping(value)) return layer;
  return { ...layer, value: Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key))) };
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
