import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../transport/connection.ts";
import { reach } from "../transport/reach.ts";
import { type Answer, askBoard } from "../transport/report.ts";
import type { SshTarget } from "../transport/ssh.ts";
import { askBootServer, type BootSource, type Known } from "./boot-server.ts";
import { type Graces, type Look, whyGiveUp } from "./give-up.ts";
import { type ExpectedBoard, type Judgement, judge } from "./judge.ts";
import type { Traces } from "./traces.ts";

/** A board that something waits for. */
export interface Awaited {
  readonly board: SshTarget & ExpectedBoard;
  readonly source: BootSource;
  /** OpenSSH private key that logs in to both. */
  readonly deployKey: string;
  /** The longest wait, in seconds; 0 for one look. */
  readonly patience: number;
  /** Told what is seen meanwhile. */
  readonly say: (line: string) => void;
  /** How long board and boot server may take to answer one question, in seconds. */
  readonly answerPatience?: number;
  /** In place of the usual ones. */
  readonly graces?: Graces;
  /** The boot that it had when it was told to restart: what it says in that one tells nothing. */
  readonly bootBefore?: string;
  readonly signal?: AbortSignal | undefined;
}

/** For one question among many, and for the only one; in seconds. A board that starts VMs may take its time. */
const usualAnswer = { among: 4, only: 15 } as const;
/** The pause between two looks, in milliseconds. */
const pause = 2000;
/** When nothing changes, that is said so often, in seconds. */
const sayAgain = 30;

/**
 * Waits until a board runs what is published for it, or an older version, and all of it works.
 * @throws Error with what was last seen of it, when the time is up or more waiting would be in vain
 */
export async function waitForBoard(awaited: Awaited): Promise<Usable> {
  const watched = await watchBoard(awaited, (judgement) =>
    judgement.kind === "current" || judgement.kind === "behind" ? judgement : undefined,
  );
  if (watched.kind === "gave-up") throw new Error(notReady(awaited.board.name, watched, awaited.patience));
  return watched.found;
}

/** A board that VMs may be made on. */
export type Usable = Extract<Judgement, { kind: "current" | "behind" }>;

/** That a watch ended in vain. */
export interface GaveUp {
  readonly kind: "gave-up";
  /** What was last seen of the board. */
  readonly words: string;
  /** Why more waiting is of no use; missing where only the time is up. */
  readonly vain?: string;
  /** After so many seconds. */
  readonly at: number;
}

/**
 * Looks at a board again and again, until `find` makes something of what it is and says.
 * @throws AbortError when it is interrupted
 */
export async function watchBoard<Found>(
  awaited: Awaited,
  find: (judgement: Judgement, answer: Answer) => Found | undefined,
): Promise<{ readonly kind: "found"; readonly found: Found } | GaveUp> {
  const { board, deployKey, patience, say, signal } = awaited;
  const answerPatience = awaited.answerPatience ?? (patience === 0 ? usualAnswer.only : usualAnswer.among);
  const server = bootServer(awaited, answerPatience);
  const looks: Look[] = [];
  const start = performance.now();
  let said = { words: "", at: 0 };
  try {
    for (;;) {
      const [answer, known] = await Promise.all([askBoard(board, deployKey, answerPatience), server.ask()]);
      const judgement = isBefore(answer, awaited.bootBefore)
        ? goingDown
        : judge(board, answer, "why" in known ? { kind: "unknown" } : known.published);
      const found = find(judgement, answer);
      if (found !== undefined) return { kind: "found", found };
      const at = (performance.now() - start) / 1000;
      remember(looks, { at, judgement, ...("why" in known ? {} : { traces: known.traces }) });
      const vain = whyGiveUp(looks, awaited.graces);
      const words =
        judgement.kind === "current"
          ? "it runs what is published"
          : describe(judgement, "why" in known ? known : known.traces);
      if (vain !== undefined || at >= patience) return { kind: "gave-up", words, ...(vain && { vain }), at };
      if (words !== said.words || at - said.at >= sayAgain) {
        say(`${board.name} after ${Math.round(at)} s: ${words}`);
        said = { words, at };
      }
      await delay(Math.min(pause, (patience - at) * 1000), undefined, signal && { signal });
    }
  } finally {
    server.close();
  }
}

const goingDown: Judgement = { kind: "off", why: "it was told to restart, and has not gone down yet" };

function isBefore(answer: Answer, boot: string | undefined): boolean {
  return answer.kind === "report" && answer.report.bootId === boot;
}

/** What a board is, with what its boot server noted of it. Safe to print. */
export function describe(
  judgement: Exclude<Judgement, { kind: "current" }>,
  seen: Partial<Pick<Traces, "lastSeen" | "overlays">> | { readonly why: string },
): string {
  if ("why" in seen) return `${judgement.why} (the boot server can't be asked about it: ${seen.why})`;
  const why = isPlainAlpine(judgement, seen) ? plainAlpine : judgement.why;
  return seen.lastSeen === undefined ? why : `${why}; last seen: ${seen.lastSeen}`;
}

const plainAlpine =
  "it is there with an SSH host key of its own, as a plain Alpine has one: it did not get its image. Run `up` with " +
  "--refresh, then restart it";

/** Without its image, Alpine goes on by itself, takes the seed's name, and makes host keys: no other machine answers. */
function isPlainAlpine(judgement: Judgement, { overlays = [] }: Partial<Pick<Traces, "overlays">>): boolean {
  return judgement.kind === "degraded" && judgement.cause === "host-key" && overlays.at(-1)?.sent === false;
}

function notReady(name: string, { words, vain, at }: GaveUp, patience: number): string {
  const when = patience === 0 ? "" : ` after ${Math.round(at)} s`;
  const more = vain === undefined ? "" : `\n${vain}`;
  return (
    `${name} is not ready${when}, so no VM is made on it: ${words}${more}\n` +
    "What runs on it was left alone. When it is as it should be, run the same command again; docs/boot.md says what to look at."
  );
}

/** Of looks that saw the same, the first and the last tell all. */
function remember(looks: Look[], look: Look): void {
  const same = (other: Look | undefined) => JSON.stringify(other?.judgement) === JSON.stringify(look.judgement);
  if (same(looks.at(-1)) && same(looks.at(-2))) looks.pop();
  looks.push(look);
}

/** The boot server, asked over one connection as long as that lasts. That it can't be asked is an answer. */
function bootServer(
  { board, source, deployKey }: Awaited,
  answerPatience: number,
): {
  ask(): Promise<Known | { readonly why: string }>;
  close(): void;
} {
  let connection: Connection | undefined;
  const close = () => {
    connection?.close();
    connection = undefined;
  };
  return {
    close,
    ask: async () => {
      try {
        connection ??= await reach(source, () => deployKey, answerPatience);
        const [known] = await askBootServer(connection, source, [board]);
        return known ?? { why: "it said nothing" };
      } catch (error) {
        close();
        return { why: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
