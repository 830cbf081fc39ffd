import { posix } from "node:path";
import type { Layer } from "./layer.ts";
import { siteFilePattern } from "./names.ts";
import { type Problem, show } from "./problem.ts";

/** Which file a site file is based on. Who has the files reads them; here it is said which one comes next. */

/** The file that comes below a chain of files, or that there is none, or why there can't be the one that is named. */
export type NextBase = { readonly next: string | undefined } | { readonly problem: Problem };

/** A file of a chain: its path from the folder that all of them are in, with slashes, and what it says. */
export interface Link {
  readonly path: string;
  readonly layer: Layer;
}

/**
 * The base that the last file of a chain names, as a path from the folder of all of them.
 * @param chain from the site file down to the file whose base is asked for
 */
export function nextBase(chain: readonly Link[]): NextBase {
  const last = chain.at(-1);
  const written = last === undefined ? undefined : baseIn(last.layer.value);
  if (last === undefined || written === undefined) return { next: undefined };
  const problem = (message: string, hint: string): NextBase => ({
    problem: { ...last.layer.place(["base"]), rule: "bad-base", message, hint },
  });
  const hint = "name a file beside this one, such as base: shelf.yaml";
  if (typeof written !== "string") return problem(`base is ${show(written)}, not the name of a file`, hint);
  if (!new RegExp(siteFilePattern).test(written))
    return problem(`${show(written)} is not the name of a site file`, hint);

  const next = posix.join(posix.dirname(last.path), written);
  const before = chain.findIndex(({ path }) => path === next);
  if (before < 0) return { next };
  const circle = [...chain.slice(before).map(({ path }) => path), next];
  return problem(
    `this file is based on itself: ${circle.join(" → ")}`,
    "take one of these bases out: a file lies over others, and the last of them has no base",
  );
}

/** The problem with a base that can't be read. @param why in words, where it is there all the same */
export function unreadableBase(
  { layer }: Link,
  base: string,
  why: string | undefined,
  near: string | undefined,
): Problem {
  const message =
    why === undefined ? `there is no ${base}, which is to be the base of this file` : `${base} can't be read: ${why}`;
  const meant = near === undefined ? "" : `did you mean ${near}? `;
  const hint = why === undefined ? `${meant}name a file beside this one` : "make it a plain file that you may read";
  return { ...layer.place(["base"]), rule: "bad-base", message, hint };
}

function baseIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "base")) return undefined;
  return Reflect.get(value, "base");
}
