import { parseReadinessReport, type ReadinessReport } from "../../formats/readiness-report.ts";
import type { Connection, ScriptResult } from "./connection.ts";
import { connect, HostKeyMismatch, type SshTarget, Unreachable } from "./ssh.ts";

/** Where a board writes what it says of itself. */
export const reportPath = "/run/bramble/report.json";

/** How long a board may take to answer, in seconds. One that boots, or is off, is asked again another time. */
const usualPatience = 4;
/** How long it may take to give its report, when it has let us in; in milliseconds. */
const readPatience = 10_000;

export type Answer =
  | {
      readonly kind: "report";
      readonly report: ReadinessReport;
      /** How long it has been up, in seconds; missing where it does not say. */
      readonly upSeconds?: number;
    }
  /** Off, or still booting. */
  | { readonly kind: "silent"; readonly why: string }
  /** Something answers that is not, or not yet, the board as it should be. */
  | { readonly kind: "strange"; readonly cause: Strangeness; readonly why: string };

export type Strangeness =
  /** The machine is there, and no SSH server. */
  | "refused"
  | "host-key"
  /** It is the board, and does not let Bramble in. */
  | "login"
  | "no-report"
  | "bad-report";

/** Asks a board for its readiness report over SSH: only that proves who says it. */
export async function askBoard(board: SshTarget, deployKey: string, patience = usualPatience): Promise<Answer> {
  let connection: Connection;
  try {
    connection = await connect(board, deployKey, { patience });
  } catch (error) {
    if (error instanceof HostKeyMismatch) return { kind: "strange", cause: "host-key", why: error.message };
    if (error instanceof Unreachable) return unreachable(error.message);
    throw error;
  }
  try {
    return answerOf(board.name, await readReport(connection));
  } finally {
    connection.close();
  }
}

/** Who refuses a connection is there, only not as it should be. */
function unreachable(why: string): Answer {
  if (why.includes("ECONNREFUSED")) return { kind: "strange", cause: "refused", why };
  if (why.includes("authentication methods failed")) return { kind: "strange", cause: "login", why };
  return { kind: "silent", why };
}

/**
 * First how long it has been up, then the report. One byte more than a report may have tells that it is too long, and a
 * board can't fill our memory.
 */
const script = 'head -c 100 /proc/uptime; head -c 65537 "$1"';

/** What the board gave, or why it stopped in the middle: it may go off, or hang, at any time. */
async function readReport(connection: Connection): Promise<ScriptResult | Error> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error("it let us in and then said nothing")), readPatience);
  });
  const lost = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
  try {
    return await Promise.race([connection.run(script, [reportPath]).catch(lost), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(name: string, said: ScriptResult | Error): Answer {
  if (said instanceof Error) return { kind: "silent", why: `${name}: ${said.message}` };
  if (said.code !== 0) {
    const why = `${name} has no readiness report: ${said.stderr
      .trim()
      .replace(/[^ -~]/g, "?")
      .slice(0, 300)}`;
    return { kind: "strange", cause: "no-report", why };
  }
  const [uptime = ""] = said.stdout.split("\n", 1);
  const upSeconds = parseUptime(uptime);
  const read = parseReadinessReport(upSeconds === undefined ? said.stdout : said.stdout.slice(uptime.length + 1));
  return read.ok
    ? { kind: "report", report: read.report, ...(upSeconds === undefined ? {} : { upSeconds }) }
    : { kind: "strange", cause: "bad-report", why: `${name}: ${read.reason}` };
}

/** The first line of /proc/uptime: `350735.47 234388.90`; the first number is the seconds since the boot (proc(5)). */
export function parseUptime(line: string): number | undefined {
  const [, seconds] = /^(\d{1,12}\.\d\d) \d+\.\d\d$/.exec(line) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}
