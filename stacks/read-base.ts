import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";
import { cwd } from "node:process";
import { type Link, nextBase, unreadableBase } from "../site/bases.ts";
import { type Layer, readLayer } from "../site/layer.ts";
import { nearest } from "../site/nearest.ts";
import type { Problem } from "../site/problem.ts";

/** A site file with what it is based on. */
export type ReadLayers =
  | {
      /** The furthest base first, the file itself last. */
      readonly layers: readonly Layer[];
      /** Their paths, in the same order. */
      readonly files: readonly string[];
    }
  | { readonly problem: Problem; readonly files: readonly string[] };

/**
 * Reads a site file and its bases, each of which may have one. Messages name files as seen from the current folder.
 * @param folder what no base may be outside of; the file is in it
 * @param text what the file is to say, where it is not written yet
 * @throws NodeJS.ErrnoException when the file itself can't be read; a base that can't be is a problem.
 */
export async function readLayers(folder: string, path: string, text?: string): Promise<ReadLayers> {
  const chain = [await link(folder, relative(folder, path).replaceAll(sep, "/"), text)];
  const files = () => chain.map((link) => join(folder, link.path)).reverse();
  for (let last = chain[0]; last !== undefined; last = chain.at(-1)) {
    const found = nextBase(chain);
    if ("problem" in found) return { problem: found.problem, files: files() };
    if (found.next === undefined) break;
    const base = await link(folder, found.next).catch(unlessUnreadable);
    if (base instanceof Error) return { problem: await explain(folder, last, found.next, base), files: files() };
    chain.push(base);
  }
  return { layers: chain.map(({ layer }) => layer).reverse(), files: files() };
}

async function link(folder: string, path: string, text?: string): Promise<Link> {
  const absolute = join(folder, path);
  return { path, layer: readLayer(relative(cwd(), absolute), text ?? (await readFile(absolute, "utf8"))) };
}

async function explain(folder: string, from: Link, path: string, error: NodeJS.ErrnoException): Promise<Problem> {
  const base = posix.relative(posix.dirname(from.path), path);
  if (error.code !== "ENOENT") return unreadableBase(from, base, error.message, undefined);
  const beside = await readdir(dirname(join(folder, path))).catch(unlessUnreadable);
  const known = beside instanceof Error ? [] : beside.filter((name) => /^(?!Pulumi\.).*\.ya?ml$/.test(name));
  return unreadableBase(from, base, undefined, nearest(base, known));
}

/** What the file system says of a file becomes a problem; anything else is a defect. */
function unlessUnreadable(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error.code === undefined) throw error;
  return error;
}
