import type { Known } from "../../providers/readiness/boot-server.ts";
import type { Answer } from "../../providers/transport/report.ts";
import type { Board, HostName, NetworkBoard, Site } from "../../site/model.ts";
import { heldBack, judgeAsked } from "../stack/boards.ts";
import { type Reply, withoutSubject } from "./ask.ts";
import { type BoardStatus, isoTime } from "./model.ts";
import { type MachineFacts, machineFacts } from "./said.ts";
import { timelineOf } from "./timeline.ts";

/** What was found out about a board. */
export interface BoardFound {
  /** Of one that boots over the network. */
  readonly booted?: {
    readonly board: NetworkBoard;
    readonly answer: Answer;
    /** Missing where the boot server can't be asked. */
    readonly known?: Known;
    /** The generation that the site file makes for it; missing where that can't be said. */
    readonly planned?: string;
  };
  /** What it said as a machine; missing where nobody logs in to it, or where its report says enough. */
  readonly reply?: Reply;
}

/** A board of the site as it was found. @param now by the clock of who asks, in seconds since 1970 */
export function boardStatus(site: Site, board: Board, found: BoardFound, now: number): BoardStatus {
  const { booted, reply } = found;
  const facts = reply?.kind === "said" ? machineFacts(reply.text) : undefined;
  const common = {
    name: board.name,
    ...(board.address === undefined ? {} : { address: board.address }),
    model: board.model,
    roles: rolesOf(site, board),
  };
  return booted === undefined
    ? { ...common, ...diskBoard(reply, facts, now) }
    : { ...common, ...networkBoard(booted, facts, now) };
}

/** A board that the site file says is lost. */
export function lostBoard(name: HostName, reason: string): BoardStatus {
  return { name, model: "", roles: [], state: "lost", words: `lost: ${reason}`, timeline: [] };
}

function rolesOf(site: Site, { name, role }: Board): string[] {
  const roles = [
    ...(site.hosts.some((host) => host.name === name) ? ["hypervisor"] : []),
    ...(site.boot?.server.board === name ? ["boot-server"] : []),
    ...(site.storages.some(({ server }) => server?.board === name) ? ["nfs-server"] : []),
  ];
  return [...new Set([role, ...roles])];
}

type Findings = Omit<BoardStatus, "name" | "address" | "model" | "roles">;

/** One with a system of its own, of which the site file says nothing but that it is there. */
function diskBoard(reply: Reply | undefined, facts: MachineFacts | undefined, now: number): Findings {
  if (reply === undefined) return { state: "not-asked", words: "Bramble does not log in to it", timeline: [] };
  if (reply.kind === "silent") return { state: "off", words: "is off: nobody answers at its address", timeline: [] };
  if (facts === undefined || reply.kind === "strange")
    return { state: "degraded", words: reply.kind === "strange" ? withoutSubject(reply.why) : "", timeline: [] };
  return {
    state: facts.problem === undefined ? "current" : "degraded",
    words: facts.problem ?? "",
    ...(facts.upSeconds === undefined ? {} : { upSince: isoTime(now - facts.upSeconds) }),
    ...(facts.system === "" ? {} : { runs: facts.os ?? facts.system, system: facts.system }),
    timeline: [],
  };
}

function networkBoard(
  { board, answer, known, planned }: NonNullable<BoardFound["booted"]>,
  facts: MachineFacts | undefined,
  now: number,
): Findings {
  const { kind, words } = judgeAsked({ board, answer }, known);
  const published = known?.published.kind === "versions" ? known.published.served : undefined;
  const report = answer.kind === "report" ? answer.report : undefined;
  const upSeconds = answer.kind === "report" ? answer.upSeconds : undefined;
  const isOld = planned !== undefined && published !== undefined && planned !== published;
  const held = heldBack(board.name, known);
  // What is held back is published already, for all that `up` can do.
  const isPending = isOld && !(held !== undefined && known?.rollout?.target === planned);
  const pending = `\`up\` pending: the site file makes ${planned}, and ${published} is published`;
  const works = facts?.problem === undefined ? kind : "degraded";
  const clock = known?.noted.clock.now ?? now;
  const arrival = report && {
    writtenAt: Math.min(Date.parse(report.writtenAt) / 1000, clock),
    problems: report.problems,
  };
  return {
    state: works === "current" && isOld ? "behind" : works,
    words: [
      ...(words === "" ? [] : [words]),
      ...(held === undefined ? [] : [held]),
      ...(isPending ? [pending] : []),
      ...(facts?.problem === undefined ? [] : [facts.problem]),
    ].join("; "),
    ...(upSeconds === undefined ? {} : { upSince: isoTime(now - upSeconds) }),
    ...(planned === undefined ? {} : { planned }),
    ...(published === undefined ? {} : { published }),
    ...(report === undefined ? {} : { runs: report.generation ?? "not booted from here" }),
    ...(report === undefined ? {} : { system: `${report.versions.os}, kernel ${report.versions.kernel}` }),
    timeline: timelineOf(known?.noted, board.address, arrival),
  };
}
