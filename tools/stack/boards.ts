import { bootSource } from "../../components/boot-source.ts";
import { hostKeyOf } from "../../components/key-files.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { askBootServer, type BootSource, type Known } from "../../providers/readiness/boot-server.ts";
import { type ExpectedBoard, type Judgement, judge } from "../../providers/readiness/judge.ts";
import { describe } from "../../providers/readiness/wait.ts";
import { reach } from "../../providers/transport/reach.ts";
import { type Answer, askBoard } from "../../providers/transport/report.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { NetworkBoard } from "../../site/model.ts";
import { siteAccess } from "./stacks.ts";

/** The exit code of an `up` that did everything, while boards are off that are to take some of it. */
export const boardsAreOff = 4;
/** The exit code of an `up` that did everything, while boards answer that are not as they should be. */
export const boardsAreDegraded = 5;

/** How many boards are asked at once. */
const atOnce = 32;
/** How long the boot server may take to let us in, in seconds. */
const serverPatience = 15;

/**
 * Asks each board that boots over the network what it runs, and says in a line each which of them run something else
 * than what is published. Gives the exit code: 0, 4 when boards are off, 5 when some are not as they should be.
 */
export async function sayOfBoards(stack: string, say: (line: string) => void): Promise<number> {
  const { site, keys } = await siteAccess(stack);
  if (site.boot === undefined || site.boot.boards.length === 0) return 0;
  const { boards } = site.boot;
  if (boards.length > atOnce) say(`Asking ${boards.length} boards what they run …`);
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
  const answers = await askAll(boards, keys, deployKey);
  const source = bootSource(site.boot, site.name, keys);
  const { lines, code } = sumUp(answers, await askServer(source, deployKey, answers));
  for (const line of lines) say(line);
  return code;
}

export interface Asked {
  readonly board: ExpectedBoard & { readonly address: string };
  readonly answer: Answer;
}

/** What is said of boards, and the exit code. `known` is in their order, or why the boot server can't be asked. */
export function sumUp(
  asked: readonly Asked[],
  known: readonly Pick<Known, "published" | "traces" | "rollout">[] | { readonly why: string },
): { readonly lines: readonly string[]; readonly code: number } {
  const judged = asked.map(({ board, answer }, index) => {
    const { kind, words } = judgeAsked({ board, answer }, "why" in known ? undefined : known[index]);
    const held = "why" in known ? undefined : heldBack(board.name, known[index]);
    return { name: board.name, kind, words: words.replaceAll("\n", "\n    "), held };
  });
  const of = (...kinds: readonly Judgement["kind"][]) => judged.filter(({ kind }) => kinds.includes(kind));
  const listed = (some: typeof judged) => some.map(({ name, words }) => `  ${name}  ${words}`);
  const [current, waiting, degraded, unclear] = [of("current"), of("off", "behind"), of("degraded"), of("unclear")];
  const held = judged.flatMap(({ name, held }) => (held === undefined ? [] : [`  ${name}  ${held}`]));
  const running = `${current.length} of ${asked.length} boards run what is published.`;
  const which = degraded.length + unclear.length === 0 ? "The others" : "These";
  const lines = [
    waiting.length === 0 ? running : `${running} ${which} boot it when they are next switched on or rebooted:`,
    ...listed(waiting),
    ...(held.length === 0
      ? []
      : ["These are left at the version of before, for they did not come up with a later one:"]),
    ...held,
    ...(unclear.length === 0 ? [] : ["These work, and what is published for them can't be asked:"]),
    ...listed(unclear),
    ...(degraded.length === 0 ? [] : ["DEGRADED, so no new VM is made on them until they are as they should be:"]),
    ...listed(degraded),
    ...("why" in known ? [`The boot server can't be asked: ${known.why}`] : []),
  ];
  const code = degraded.length > 0 ? boardsAreDegraded : of("off").length > 0 ? boardsAreOff : 0;
  return { lines, code };
}

/**
 * What a board is, and in words without a subject why it is not current.
 * @param known what the boot server knows of it; missing where that can't be asked
 */
export function judgeAsked(
  { board, answer }: { readonly board: ExpectedBoard; readonly answer: Answer },
  known: Pick<Known, "published" | "traces"> | undefined,
): { readonly kind: Judgement["kind"]; readonly words: string } {
  const judgement = judge(board, answer, known?.published ?? { kind: "unknown" });
  // A board that speaks for itself is past what the boot server saw of it.
  const seen = answer.kind === "report" ? undefined : known?.traces;
  const words = judgement.kind === "current" ? "" : describe(judgement, seen ?? {});
  return { kind: judgement.kind, words: words.replace(/^it /, "") };
}

/** Why a board is not to boot what the site file makes for it, if a rollout holds that back. */
export function heldBack(name: string, known: Pick<Known, "published" | "rollout"> | undefined): string | undefined {
  const { rollout, published } = known ?? {};
  const served = published?.kind === "versions" ? published.served : undefined;
  if (rollout?.kind !== "held" || rollout.from !== served) return undefined;
  const { target, since, why } = rollout;
  return `${target} is held back since ${since}: it ${why} \`rollout --release ${name}\` tries it again`;
}

async function askAll(boards: readonly NetworkBoard[], keys: SiteKeys, deployKey: string): Promise<Asked[]> {
  const waiting = [...boards];
  const asked = new Map<string, Answer>();
  const askNext = async () => {
    for (let board = waiting.shift(); board !== undefined; board = waiting.shift()) {
      const { name, address, user } = board;
      asked.set(name, await askBoard({ name, address, user, hostKey: hostKeyOf(board, keys) }, deployKey));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, askNext));
  return boards.flatMap((board) => {
    const answer = asked.get(board.name);
    return answer === undefined ? [] : [{ board, answer }];
  });
}

/** What the boot server has for boards, and how far those came that don't speak for themselves. */
async function askServer(
  source: BootSource,
  deployKey: string,
  asked: readonly Asked[],
): Promise<readonly Known[] | { readonly why: string }> {
  try {
    const connection = await reach(source, () => deployKey, serverPatience);
    try {
      const boards = asked.map(({ board: { name, address }, answer }) =>
        answer.kind === "report" ? { name } : { name, address },
      );
      return await askBootServer(connection, source, boards);
    } finally {
      connection.close();
    }
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}
