import { hostKeyOf } from "../../components/key-files.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { type Answer, askBoard } from "../../providers/transport/report.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { NetworkBoard } from "../../site/model.ts";
import { askPulumi } from "./pulumi.ts";
import { siteAccess } from "./stacks.ts";

/** The exit code of an `up` that did everything, while boards are off that are to take some of it. */
export const boardsAreOff = 4;

/** How many boards are asked at once. */
const atOnce = 32;

/** As much of an exported state as is looked at here. */
interface ExportedState {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly outputs?: { readonly generation?: string } }[];
  } | null;
}

/**
 * Asks each board that boots over the network what it runs, and says in a line each which of them run something else
 * than what is published. Gives the exit code: 0, or 4 when boards are off.
 */
export async function sayOfBoards(stack: string, say: (line: string) => void): Promise<number> {
  const { site, keys } = await siteAccess(stack);
  const boards = site.boot?.boards ?? [];
  if (boards.length === 0) return 0;
  if (boards.length > atOnce) say(`Asking ${boards.length} boards what they run …`);
  const published = await publishedGenerations(stack);
  const answers = await askAll(boards, keys);
  const others = answers.filter(({ board, answer }) => !runs(answer, published.get(board.name)));
  const running = `${answers.length - others.length} of ${boards.length} boards run what is published`;
  say(
    others.length === 0 ? `${running}.` : `${running}. The others boot it when they are next switched on or rebooted:`,
  );
  for (const { board, answer } of others) say(`  ${board.name}  ${describe(answer, published.get(board.name))}`);
  return answers.some(({ answer }) => answer.kind === "silent") ? boardsAreOff : 0;
}

interface Asked {
  readonly board: NetworkBoard;
  readonly answer: Answer;
}

async function askAll(boards: readonly NetworkBoard[], keys: SiteKeys): Promise<Asked[]> {
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
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

/** The generation that is published for each board, by the stack's state. */
async function publishedGenerations(stack: string): Promise<ReadonlyMap<string, string>> {
  const state: ExportedState = JSON.parse((await askPulumi(stack, ["stack", "export"])).stdout);
  return new Map(
    (state.deployment?.resources ?? []).flatMap(({ urn, outputs }): [string, string][] => {
      const [, , types = "", name = ""] = urn.split("::");
      const isTree = types.endsWith("bramble:TftpTree") && outputs?.generation !== undefined;
      return isTree ? [[name, outputs.generation ?? ""]] : [];
    }),
  );
}

function runs(answer: Answer, published: string | undefined): boolean {
  return answer.kind === "report" && answer.report.generation === published && answer.report.problems.length === 0;
}

function describe(answer: Answer, published: string | undefined): string {
  if (answer.kind === "silent") return "is off, or still booting: nobody answers at its address";
  if (answer.kind === "strange") return `is there, and says nothing of itself: ${answer.why.split("\n")[0]}`;
  const { generation, problems } = answer.report;
  if (generation !== published)
    return `reboot pending: it runs ${generation ?? "something else"}, and ${published} is published`;
  return problems.join("; ");
}
