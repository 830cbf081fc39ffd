import { readFile } from "node:fs/promises";
import { type AddressEvent, parseDhcpLog, parseStrayTftp } from "../../formats/address-log.ts";
import type { BootEvent, LogClock } from "../../formats/boot-log.ts";
import { parseCmdline } from "../../formats/cmdline-txt.ts";
import { bootServerFiles } from "../steps/boot-server-files.ts";
import { currentLink, manifestSuffix, parseVersion, treeFolder } from "../tftp-tree/layout.ts";
import { parseNote, type RolloutNote } from "../tftp-tree/rollout-note.ts";
import type { Connection } from "../transport/connection.ts";
import type { FolderServer } from "../transport/folder-server.ts";
import type { Bootable, Published } from "./judge.ts";
import { eventsOf, type LogName, type Traces, tracesOf } from "./traces.ts";

/** Where boards boot from, as one that is waited for needs it. */
export type BootSource = FolderServer & {
  readonly site: string;
  readonly tftpRoot: string;
  /** Where its logs are, if not where Bramble's own boot servers have them. */
  readonly logFolder?: string;
};

export interface KnownBoard {
  readonly name: string;
  /** Left out where nothing of its logs is wanted. */
  readonly address?: string;
  /** Where it is wanted too who gave it an address; besides the address, both are needed. */
  readonly mac?: string;
  /** Its boot folders. */
  readonly folders?: readonly string[];
}

/** What a boot server knows of a board. */
export interface Known {
  readonly published: Published;
  readonly traces: Traces;
  readonly noted: Noted;
  /** What a rollout noted of it, if there is something. */
  readonly rollout?: RolloutNote;
}

/** What the logs say of a board, each kind in its order. Anybody can have caused it. */
export interface Noted {
  readonly clock: LogClock;
  readonly events: readonly BootEvent[];
  readonly addresses: readonly AddressEvent[];
}

/** Of each log, so much is read: more than all that a board asks for in a boot, among many that boot at the same time. */
const mostLogBytes = 4 * 1024 * 1024;
/** The command line of a script has room for so many boards. */
const mostBoards = 400;

/**
 * What a boot server has for boards, and what it noted of them, in the boards' order.
 * @throws Error if it can't be asked
 */
export async function askBootServer(
  connection: Connection,
  source: BootSource,
  boards: readonly KnownBoard[],
): Promise<Known[]> {
  const script = await readFile(new URL("boot-server.sh", import.meta.url), "utf8");
  const logs = source.logFolder ?? logFolder(source.site);
  const known: Known[] = [];
  for (let from = 0; from < boards.length; from += mostBoards) {
    const some = boards.slice(from, from + mostBoards);
    const addresses = some.flatMap(({ address }) => address ?? []);
    const places = some.flatMap(({ name }) => [currentLink(name), treeFolder(name)]);
    const paths = places.map((place) => `${source.tftpRoot}/${place}`);
    const { code, stdout, stderr } = await connection.run(script, [
      logs,
      String(mostLogBytes),
      addresses.join(" "),
      some.flatMap(strayWords).join(" "),
      ...paths,
    ]);
    if (code !== 0) throw new Error(`the boot server can't say what it has (exit code ${code}): ${stderr.trim()}`);
    known.push(...readAnswers(stdout, some));
  }
  return known;
}

function strayWords({ address, mac, folders }: KnownBoard): string[] {
  if (address === undefined || mac === undefined || folders === undefined) return [];
  return [mac, ...folders.map((folder) => `${folder}=${address}`)];
}

function logFolder(site: string): string {
  return bootServerFiles(site).nginxAccessLog.replace(/\/[^/]*$/, "");
}

interface Said {
  served?: string;
  note?: string;
  readonly entries: string[];
  readonly cmdlines: [path: string, text: string][];
}

function readAnswers(text: string, boards: readonly KnownBoard[]): Known[] {
  const all: Said[] = [];
  /** Lines of logs, by the address that they are about. */
  const logs: Record<LogName, Map<string, string>> = { http: new Map(), tftp: new Map(), identity: new Map() };
  /** Lines of dnsmasq's log about DHCP, by MAC address, and about files that other addresses asked for, by folder. */
  const strays = { dhcp: new Map<string, string>(), stray: new Map<string, string>() };
  let clock = { now: 0, offsetMinutes: 0 };
  let path = "";
  for (const line of text.split("\n")) {
    const at = line.indexOf(" ");
    const [word, rest] = at === -1 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    const said = all.at(-1);
    if (word === "clock") clock = readClock(rest);
    else if (word === "board") all.push({ entries: [], cmdlines: [] });
    else if (word === "served" && said) said.served = rest;
    else if (word === "note" && said) said.note = rest;
    else if (word === "entry") said?.entries.push(rest);
    else if (word === "path") path = rest;
    else if (word === "cmdline") said?.cmdlines.push([path, rest]);
    else if (word === "http" || word === "tftp" || word === "identity") add(logs[word], rest);
    else if (word === "dhcp" || word === "stray") add(strays[word], rest);
  }
  return boards.map(({ address = "", mac = "", folders = [] }, index) => {
    const said = all[index];
    if (said === undefined) throw new Error("the boot server did not answer for all boards");
    const of = (name: LogName) => logs[name].get(address) ?? "";
    const texts = { http: of("http"), tftp: of("tftp"), identity: of("identity") };
    const stray = folders.map((folder) => strays.stray.get(folder) ?? "").join("");
    const addresses = [
      ...parseDhcpLog(strays.dhcp.get(mac) ?? "", mac, clock),
      ...parseStrayTftp(stray, { address, folders }, clock),
    ];
    const rollout = parseNote(said.note ?? "");
    return {
      published: publishedBy(said),
      traces: tracesOf(texts, address, clock),
      noted: { clock, events: eventsOf(texts, address, clock), addresses },
      ...(rollout && { rollout }),
    };
  });
}

/** `KEY LINE`. */
function add(lines: Map<string, string>, said: string): void {
  const [key = ""] = said.split(" ", 1);
  lines.set(key, `${lines.get(key) ?? ""}${said.slice(key.length + 1)}\n`);
}

/** `1764000000 +0100`. */
function readClock(text: string): { now: number; offsetMinutes: number } {
  const [, now, sign, hours, minutes] = /^(\d+) ([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  return { now: Number(now), offsetMinutes: sign === "-" ? -offset : offset };
}

/** Versions are whole when their manifest is there; each also shows the folders of those before it. */
function publishedBy({ served, entries, cmdlines }: Said): Published {
  const own = cmdlines.flatMap(([path, text]): (Bootable & { version: string })[] => {
    const [version = "", generation = ""] = path.split("/");
    const parsed = parseVersion(version);
    if (parsed === undefined || !generation.startsWith(parsed.generation)) return [];
    if (!entries.includes(`${version}${manifestSuffix}`)) return [];
    const image = imageIn(text);
    return [{ version, generation, ...(image === undefined ? {} : { image }) }];
  });
  return {
    kind: "versions",
    served: own.find(({ version }) => version === served)?.generation,
    known: own.map(({ version: _, ...bootable }) => bootable),
  };
}

function imageIn(cmdline: string): string | undefined {
  const found = parseCmdline(cmdline).find((word) => typeof word !== "string" && word[0] === imageParameter);
  return typeof found === "string" ? undefined : found?.[1];
}

/** The kernel parameter that names the image a board is to run. */
const imageParameter = "bramble.image";
