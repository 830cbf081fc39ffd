import { list } from "../problem.ts";
import type { Change, Objection } from "./objection.ts";

/** Bootloaders that would go back: an older one may not know the board's settings, or the board itself. */
export function bootloaderRules({ before, after }: Change): Objection[] {
  const steps = new Map<string, { from: string; to: string; boards: string[] }>();
  for (const [name, { serial, bootloader: to, downgrade }] of after.boards) {
    const old = before.boards.get(name);
    const from = old?.bootloader;
    // Another serial number is another board.
    if (from === undefined || to === undefined || old?.serial !== serial || from <= to || downgrade) continue;
    const step = steps.get(`${from} ${to}`) ?? { from, to, boards: [] };
    step.boards.push(name);
    steps.set(`${from} ${to}`, step);
  }
  return [...steps.values()].map(({ from, to, boards }) => ({
    rule: "older-bootloader",
    message: `${list(boards)} ${boards.length === 1 ? "has" : "have"} the bootloader of ${from}, and ${to} is older`,
    instead: "pin a newer one (npm run bramble -- artifacts update)",
    meant: `write bootloader: { downgrade: "to ${to}" }`,
    about: boards,
  }));
}
