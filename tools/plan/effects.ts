import { isDeepStrictEqual } from "node:util";
import type { Change } from "./changes.ts";
import type { Owner } from "./owner.ts";

/** What a change does to those who use a machine, the worst first. */
export const effects = {
  "deletes-data": "a data disk is deleted",
  "replaces-disk": "its system disk is made anew",
  drains: "it is drained first",
  restarts: "it is shut down and started",
  reboot: "boots it at its next reboot",
  live: "while it runs",
} as const;

export type Effect = keyof typeof effects;

/** From the worst on. */
export function bySeverity(all: Iterable<Effect>): Effect[] {
  const there = new Set(all);
  return severity.filter((effect) => there.has(effect));
}

/** How bad an effect is; 0 is the worst. */
export function rank(effect: Effect | undefined): number {
  return effect === undefined ? severity.length : severity.indexOf(effect);
}

const severity = Object.keys(effects) as Effect[];

/** What the change of one resource does to its machine. Something new disturbs nobody. */
export function effectOf(change: Change, owner: Owner): Effect | undefined {
  const { kind, type, name, old, new: next } = change;
  if (kind === "same" || kind === "create") return undefined;
  const gone = kind === "delete" || kind === "replace";
  switch (type.split(":").at(-1)) {
    case "Volume":
      if (owner.kind !== "vm" || !gone) return "live";
      if (!name.endsWith("/data")) return "replaces-disk";
      return old?.retained === true ? "replaces-disk" : "deletes-data";
    case "Domain":
      return gone ? "restarts" : "live";
    case "Command":
      // What a cluster undoes on a machine that leaves it: jobs and pods go first.
      return gone && owner.kind === "vm" && typeof old?.inputs.delete === "string" ? "drains" : "live";
    case "TftpTree":
      return owner.kind === "board" && isOfBoard(change) && isNewBoot(old, next) ? "reboot" : "live";
    case "BootloaderConfig":
      return differ(old, next, ["image", "settings", "model", "serial"]) ? "reboot" : "live";
    case "BoardIdentity":
      return "reboot"; // a board fetches its identity when it boots
    default:
      return "live";
  }
}

/** The folder that one board boots from, and not what all of them fetch. */
function isOfBoard({ old, new: next }: Change): boolean {
  return typeof (next ?? old)?.inputs.device === "string";
}

function isNewBoot(old: Change["old"], next: Change["new"]): boolean {
  return differ(old, next, ["generation", "update"]);
}

function differ(old: Change["old"], next: Change["new"], keys: readonly string[]): boolean {
  return keys.some((key) => !isDeepStrictEqual(old?.inputs[key], next?.inputs[key]));
}
