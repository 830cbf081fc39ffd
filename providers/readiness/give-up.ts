import type { Judgement } from "./judge.ts";
import type { Traces } from "./traces.ts";

/** One look at a board that is waited for. */
export interface Look {
  /** Seconds since the wait began. */
  readonly at: number;
  readonly judgement: Judgement;
  /** Missing where the boot server could not be asked. */
  readonly traces?: Traces;
}

/** How long a board may be as it is, in seconds, before more waiting is in vain. */
export const graces = {
  /** To come up with SSH after it fetched its last file, where packages are installed and services start. */
  quiet: 180,
  /** To get its SSH host key, which it asks for again and again. */
  identity: 60,
  /** To get rid of what it reports: it has just begun, its clock is not right yet. */
  problems: 150,
  /** To write its report, once it lets us in. */
  report: 120,
};
export type Graces = Readonly<Record<keyof typeof graces, number>>;

/** So many boots within one wait are a circle: it gets its overlay, and starts again. */
const mostBoots = 3;

/**
 * Why there is no use in waiting on, in words that follow what the board is; undefined where it may still come. Boards
 * never restart by themselves from a system that runs, so one that runs the wrong one stays there.
 * @param looks from the first on; there is one at least
 */
export function whyGiveUp(looks: readonly Look[], allowed: Graces = graces): string | undefined {
  const last = looks.at(-1);
  if (last === undefined || last.judgement.kind !== "degraded") return circle(looks);
  const { cause } = last.judgement;
  switch (cause) {
    case "host-key":
    case "login":
    case "other-board":
    case "other-image":
    case "unknown-generation":
    case "not-published":
      return "waiting changes nothing of that";
    case "refused":
      return withoutSsh(looks, last, allowed) ?? circle(looks);
    case "problems":
      return lasts(looks) < allowed.problems ? undefined : `it says so since ${allowed.problems} s`;
    case "no-report":
    case "bad-report":
      return lasts(looks) < allowed.report ? undefined : `it says nothing else since ${allowed.report} s`;
  }
}

/** For how long the board is now as it is, in the same words; in seconds. */
function lasts(looks: readonly Look[]): number {
  const now = looks.at(-1);
  if (now === undefined) return 0;
  const words = JSON.stringify(now.judgement);
  const other = looks.findLastIndex(({ judgement }) => JSON.stringify(judgement) !== words);
  return now.at - (looks[other + 1]?.at ?? now.at);
}

function withoutSsh(looks: readonly Look[], { at, traces }: Look, { quiet, ...allowed }: Graces): string | undefined {
  const overlay = traces?.overlays.at(-1);
  if (traces === undefined || overlay === undefined) return undefined;
  const { now, lastRequest = now } = traces;
  const began = now - at;
  // What was refused before the wait began may have been put right since: the board may be in its next boot by now.
  const isNew = overlay.at >= began || lasts(looks) >= quiet;
  if (!overlay.sent && isNew) {
    return "its image could not be fetched, so it runs a plain Alpine, with root without a password on its console, and nobody restarts it: see that its image is published (`up`), and restart it by hand";
  }
  const { identity } = traces;
  if (identity !== undefined && !identity.sent && identity.at >= overlay.at && lasts(looks) >= allowed.identity) {
    return "it does not get its SSH host key, so it has no SSH server: restart it. If its key was given already, look for another machine that had its address in the meantime";
  }
  if (now - lastRequest < quiet || lasts(looks) < quiet) return undefined;
  return `it fetched its last file ${Math.round(now - lastRequest)} s ago, and has no SSH server yet: look at its console`;
}

function circle(looks: readonly Look[]): string | undefined {
  const last = looks.at(-1);
  if (last?.traces === undefined) return undefined;
  const { now, overlays } = last.traces;
  const boots = overlays.filter(({ at }) => at >= now - last.at);
  if (boots.length < mostBoots) return undefined;
  return `it starts again and again, ${boots.length} times in ${Math.round(last.at)} s: it can't read what it fetches, or has not enough memory. Its console says more`;
}
