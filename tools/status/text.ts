import { printTime } from "../../formats/boot-log.ts";
import { table } from "../lib/table.ts";
import type { BoardStatus, Stage, State, Status, VmStatus } from "./model.ts";

/** What people call a state. */
export const stateWords: Readonly<Record<State, string>> = {
  current: "current",
  behind: "behind",
  degraded: "DEGRADED",
  unclear: "unclear",
  off: "off",
  "not-asked": "not asked",
  lost: "lost",
};

export interface TextOptions {
  /** Minutes that the reader's time is ahead of UTC. */
  readonly offsetMinutes: number;
  /** Whose boots are shown: of boards that are not as they should be, or of all. */
  readonly timelines?: "needed" | "all";
}

/** A status as lines for a terminal: a table of all machines, what is wrong with whom, and the boots of boards. */
export function statusText(status: Status, { offsetMinutes, timelines = "needed" }: TextOptions): string {
  const clock = { now: Date.parse(status.askedAt) / 1000, offsetMinutes };
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const heading = ["MACHINE", "WHAT", "STATE", "SHOULD RUN", "RUNS", "UP FOR", "SEEN"];
  const rows = [
    ...status.boards.map((board) => boardRow(board, clock)),
    ...status.vms.map((vm) => vmRow(vm, clock.now)),
  ];
  table([heading, ...rows], say);
  const wrong = [...status.boards, ...status.vms].filter(({ words }) => words !== "");
  if (wrong.length > 0) say("");
  for (const [words, names] of byWords(wrong)) say(`${names.join(", ")}: ${words.replaceAll("\n", "\n    ")}`);
  for (const { name, words } of status.clusters) if (words !== "") say(`${name}: the cluster says nothing: ${words}`);
  for (const problem of status.problems) say(problem);
  const boots = status.boards.filter(
    ({ timeline, state }) => timeline.length > 0 && (timelines === "all" || showsMore(state, timeline)),
  );
  for (const { name, timeline } of boots) {
    say("");
    say(`${name}, its last boot:`);
    table(
      timeline.map((stage) => ["", ...stageRow(stage, clock)]),
      say,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** A stage of a boot in columns: when, what, and how it went. */
export function stageRow(stage: Stage, clock: { readonly now: number; readonly offsetMinutes: number }): string[] {
  const [from, to] = [stage.from, stage.to].map((time) => printTime(Date.parse(time) / 1000, clock));
  const mark = { done: "", warning: "! ", failed: "FAILED: " }[stage.outcome];
  return [from === to ? `${from}` : `${from} – ${to}`, stageWords[stage.stage], `${mark}${stage.words}`];
}

/** What people call a stage. */
export const stageWords: Readonly<Record<Stage["stage"], string>> = {
  dhcp: "DHCP",
  tftp: "TFTP",
  http: "HTTP",
  identity: "SSH key",
  ready: "ready",
};

/** A length of time in the two largest units that it has. */
export function duration(seconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first === -1) return "0 s";
  let rest = Math.floor(seconds);
  const parts = units.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count} ${unit}`;
  });
  return parts.filter((part) => part !== "").join(" ");
}

/** How long a machine is up. */
export function upFor(upSince: string | undefined, now: number): string {
  return upSince === undefined ? "" : duration(Math.max(0, now - Date.parse(upSince) / 1000));
}

/** What was last seen of a board, and when. */
export function lastSeen({ timeline }: BoardStatus, clock: { now: number; offsetMinutes: number }): string {
  const last = timeline.at(-1);
  return last === undefined ? "" : `${stageWords[last.stage]} ${printTime(Date.parse(last.to) / 1000, clock)}`;
}

/** What a VM's cluster says of it, else what its host does. */
export function seenOf({ node, domain }: VmStatus): string {
  return node ?? (domain === undefined ? "" : `VM ${domain}`);
}

/** Of an image's or generation's name what tells most, in few letters. */
export function short(name: string | undefined): string {
  if (name === undefined) return "";
  return /^[0-9a-f]{16}$/.test(name) ? name.slice(0, 8) : name.replace(/-([0-9a-f]{8})[0-9a-f]{8}$/, "-$1");
}

/** Who has the same said of them; a host that is off has many VMs. */
function byWords(machines: readonly (BoardStatus | VmStatus)[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, words } of machines) found.set(words, [...(found.get(words) ?? []), name]);
  return found;
}

function showsMore(state: State, timeline: readonly Stage[]): boolean {
  return ["degraded", "off"].includes(state) || timeline.some(({ outcome }) => outcome !== "done");
}

function boardRow(board: BoardStatus, clock: { now: number; offsetMinutes: number }): string[] {
  const { name, model, roles, state, planned, published, runs, upSince } = board;
  const what = [model, roles.join("+")].filter((word) => word !== "").join(" ");
  return [
    ...[name, what, stateWords[state], short(planned ?? published), short(runs), upFor(upSince, clock.now)],
    lastSeen(board, clock),
  ];
}

function vmRow(vm: VmStatus, now: number): string[] {
  const { name, cluster, role, host, state, planned, runs, upSince } = vm;
  return [
    name,
    `${cluster} ${role} on ${host}`,
    stateWords[state],
    short(planned),
    short(runs),
    upFor(upSince, now),
    seenOf(vm),
  ];
}
