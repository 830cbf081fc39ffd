import { list } from "../../site/problem.ts";
import { effects } from "./effects.ts";
import type { Machine, Plan } from "./model.ts";

/** `1 to create, 2 to replace; 40 stay as they are`. */
export function countsInWords({ counts, verdict }: Plan): string {
  const { same, ...rest } = counts;
  const parts = Object.entries(rest).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} to ${kind}`]));
  const stay = `${same} ${same === 1 ? "stays as it is" : "stay as they are"}`;
  if (parts.length > 0) return `${parts.join(", ")}; ${stay}`;
  return verdict === "refused" ? "refused" : `nothing to do; ${stay}`;
}

/** `moved from pi2: it is drained first, its system disk is made anew`. */
export function whatBecomes({ action, from, effects: all }: Machine): string {
  const what = from === undefined ? action : `${action} from ${from}`;
  const told = all.filter((effect) => effect !== "live" || all.length === 1);
  return told.length === 0 ? what : `${what}: ${told.map((effect) => effects[effect]).join(", ")}`;
}

/** Names; long lists are cut. */
export function namesOf(names: readonly string[]): string {
  return list(names, 12);
}

/** What machines are called below the names of their hosts: a board has the same. */
export function calledBelow(hosts: readonly string[], names: readonly string[], { kind }: Machine): string {
  if (kind === "site") return "the site";
  if (kind === "cluster" || kind === "storage") return `${kind} ${namesOf(names)}`;
  if (kind === "vm") return namesOf(names);
  return hosts.length > 1 ? "the boards" : "the board";
}

/** `1024 → 2048`, `x` for what is new, `gone: x`; long values are cut. */
export function change(before: string | null, after: string | null): string {
  if (before === null) return short(after ?? "");
  if (after === null) return `gone: ${short(before)}`;
  return `${short(before)} → ${short(after)}`;
}

function short(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
