import { z } from "zod";

/**
 * What a boot server noted of machines: nginx in the form of nginx-conf.ts, dnsmasq of TFTP (its tftp.c), and what
 * answers with SSH host keys in its own.
 */

export interface BootEvent {
  /** Seconds since 1970. */
  readonly at: number;
  readonly protocol: "http" | "tftp" | "identity";
  /** As it was asked for; anybody may have written it: print it by {@link describeEvent}. Of an identity, the answer. */
  readonly path: string;
  /** `missing`: there is no such file. `failed`: all else that was not a whole answer. */
  readonly outcome: "sent" | "missing" | "failed";
  /** Of HTTP and identities. */
  readonly status?: number;
}

/** A machine's clock, when its log was read. */
export interface LogClock {
  /** Seconds since 1970. */
  readonly now: number;
  /** What its local time is ahead of UTC, in minutes. */
  readonly offsetMinutes: number;
}

/** Longer lines are nobody's that we know. */
const longestLine = 4096;
const day = 24 * 3600;

const request = z.object({
  time: z.number().min(0).max(0xffff_ffff),
  remote: z.string(),
  path: z.string(),
  status: z.int().min(0).max(999),
});

/** The requests of an address in nginx's log, in its order. Lines that are not whole or of another kind are left out. */
export function parseHttpLog(text: string, address: string): BootEvent[] {
  return linesOf(text).flatMap((line): BootEvent[] => {
    const read = request.safeParse(parseJson(line));
    if (!read.success || read.data.remote !== address) return [];
    const { time, path, status } = read.data;
    const outcome = status >= 200 && status < 400 ? "sent" : status === 404 ? "missing" : "failed";
    return [{ at: time, protocol: "http", path, outcome, status }];
  });
}

const identityRequest = z.object({
  time: z.number().min(0).max(0xffff_ffff),
  remote: z.string(),
  status: z.int().min(0).max(999),
  why: z.string(),
});

/** When an address asked for its SSH host key, and whether it got it; like {@link parseHttpLog}. */
export function parseIdentityLog(text: string, address: string): BootEvent[] {
  return linesOf(text).flatMap((line): BootEvent[] => {
    const read = identityRequest.safeParse(parseJson(line));
    if (!read.success || read.data.remote !== address) return [];
    const { time, status, why } = read.data;
    return [{ at: time, protocol: "identity", path: why, outcome: status === 200 ? "sent" : "failed", status }];
  });
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dnsmasqLine = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) dnsmasq-(\w+)\[\d+\]: (.*)$/;
/** What it says; the path may have anything in it, and the address is last. */
const tftpWords: readonly (readonly [BootEvent["outcome"], RegExp])[] = [
  ["failed", /^failed sending (.*) to (\S+)$/],
  ["sent", /^sent (.*) to (\S+)$/],
  ["missing", /^file (.*) not found for (\S+)$/],
];

/**
 * What dnsmasq sent to an address by TFTP, in the order of its log, which is in local time and without a year. Ends of
 * transfers that the machine wanted ("error 0 Early terminate") are left out, as all that is not about a file.
 */
export function parseTftpLog(text: string, address: string, clock: LogClock): BootEvent[] {
  return parseAllTftp(text, clock).flatMap(({ to, ...event }) => (to === address ? [event] : []));
}

/** Like {@link parseTftpLog}, for every address. */
export function parseAllTftp(text: string, clock: LogClock): (BootEvent & { readonly to: string })[] {
  return dnsmasqLines(text, "tftp", clock).flatMap(({ at, said }) =>
    tftpWords.flatMap(([outcome, words]) => {
      const [, path = "", to] = words.exec(said) ?? [];
      return to === undefined ? [] : [{ at, protocol: "tftp" as const, path, outcome, to }];
    }),
  );
}

/** What a part of dnsmasq said, and when, in seconds since 1970; its log is in local time and without a year. */
export function dnsmasqLines(
  text: string,
  part: "tftp" | "dhcp",
  clock: LogClock,
): { readonly at: number; readonly said: string }[] {
  return linesOf(text).flatMap((line) => {
    const [, month = "", dayOfMonth = "", hours, minutes, seconds, by, said = ""] = dnsmasqLine.exec(line) ?? [];
    const index = months.indexOf(month);
    if (index === -1 || by !== part) return [];
    return [{ at: timeOf([index, Number(dayOfMonth), Number(hours), Number(minutes), Number(seconds)], clock), said }];
  });
}

/** An event in words that follow "it": `asked for /a at 12:03:11 and got 404`. Safe to print. */
export function describeEvent({ at, protocol, path, outcome, status }: BootEvent, clock: LogClock): string {
  const shown = printable(path);
  const when = `at ${printTime(at, clock)}`;
  if (protocol === "http") return `${when} it asked for ${shown} and got ${status}`;
  if (protocol === "identity") {
    const answer = outcome === "sent" ? "got it" : `was refused: ${shown}`;
    return `${when} it asked for its SSH host key and ${answer}`;
  }
  if (outcome === "sent") return `${when} it was sent ${shown} by TFTP`;
  return outcome === "missing"
    ? `${when} it asked for ${shown} by TFTP, which is not there`
    : `${when} sending it ${shown} by TFTP failed`;
}

/** The time of day on the machine with the log, with the date where that is another than today's. */
export function printTime(at: number, { now, offsetMinutes }: LogClock): string {
  const local = (seconds: number) => new Date((seconds + offsetMinutes * 60) * 1000).toISOString();
  const [date, time = ""] = local(at).split("T");
  return `${date === local(now).split("T")[0] ? "" : `${date} `}${time.slice(0, 8)}`;
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && line.length <= longestLine);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // cut off by what reads the end of a log, or not nginx's
  }
}

/** The latest time of that name that is not in the future; a clock may have been set back by a little. */
function timeOf([month, ...rest]: readonly [number, number, number, number, number], clock: LogClock): number {
  const year = new Date((clock.now + clock.offsetMinutes * 60) * 1000).getUTCFullYear();
  const inYear = (year: number) => Date.UTC(year, month, ...rest) / 1000 - clock.offsetMinutes * 60;
  const thisYear = inYear(year);
  return thisYear <= clock.now + day ? thisYear : inYear(year - 1);
}

/** A path on one line, without anything that a terminal could act on; of a long one, what tells most: its end. */
export function printable(path: string): string {
  const plain = path.replace(/[^ -~]/g, "?");
  return plain.length > 160 ? `${plain.slice(0, 40)}…${plain.slice(-110)}` : plain;
}
