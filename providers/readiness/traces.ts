import {
  type BootEvent,
  describeEvent,
  type LogClock,
  parseHttpLog,
  parseIdentityLog,
  parseTftpLog,
} from "../../formats/boot-log.ts";

/** What a boot server noted of a board: how far it came, which it can't say itself before it runs. */
export interface Traces {
  /** Seconds since 1970 by the boot server's clock, when it was asked. */
  readonly now: number;
  /** When the board asked for its overlay, and whether it got it; the last one last. */
  readonly overlays: readonly { readonly at: number; readonly sent: boolean }[];
  /** When it last asked for its SSH host key, and whether it got it. */
  readonly identity?: { readonly at: number; readonly sent: boolean };
  /** When it last asked for any file by HTTP. */
  readonly lastRequest?: number;
  /** In words that follow "last seen:"; missing where nothing was noted. Safe to print. */
  readonly lastSeen?: string;
}

/** Reads the ends of the logs, as they are on the boot server, for one address. Anybody can have caused their lines. */
export function tracesOf(logs: Readonly<Record<LogName, string>>, address: string, clock: LogClock): Traces {
  const http = parseHttpLog(logs.http, address);
  const tftp = parseTftpLog(logs.tftp, address, clock);
  const identity = parseIdentityLog(logs.identity, address).at(-1);
  const overlays = http.filter(isOverlay);
  const lastRequest = http.at(-1)?.at;
  const told = telling(http, tftp, identity, overlays.at(-1));
  const lastSeen = told.map((event) => describeEvent(event, clock)).join("; ");
  return {
    now: clock.now,
    overlays: overlays.map(({ at, outcome }) => ({ at, sent: outcome === "sent" })),
    ...(identity && { identity: { at: identity.at, sent: identity.outcome === "sent" } }),
    ...(lastRequest === undefined ? {} : { lastRequest }),
    ...(lastSeen === "" ? {} : { lastSeen }),
  };
}

/** Reads the same for all that is in them, each log in its order. */
export function eventsOf(logs: Readonly<Record<LogName, string>>, address: string, clock: LogClock): BootEvent[] {
  return [
    ...parseTftpLog(logs.tftp, address, clock),
    ...parseHttpLog(logs.http, address),
    ...parseIdentityLog(logs.identity, address),
  ];
}

/** What the logs of a boot server are of. */
export type LogName = "http" | "tftp" | "identity";

/** Whether it is a request for the image that a board runs. */
export function isOverlay({ path }: BootEvent): boolean {
  return path.endsWith(".apkovl.tar.gz");
}

/**
 * The last thing that happened, and before it what went wrong in the same boot: a board whose overlay is not there
 * fetches all the rest. Boards ask by TFTP for much that need not be there, so that counts only where there is no more.
 */
function telling(
  http: readonly BootEvent[],
  tftp: readonly BootEvent[],
  identity: BootEvent | undefined,
  overlay: BootEvent | undefined,
): BootEvent[] {
  const sent = tftp.filter(({ outcome }) => outcome !== "missing");
  const byTftp = (sent.length > 0 ? sent : tftp).slice(-1);
  const latest = [...http.slice(-1), ...byTftp, ...(identity ? [identity] : [])].sort((a, b) => a.at - b.at).at(-1);
  if (latest === undefined) return [];
  const boot = overlay === undefined ? http : http.slice(http.indexOf(overlay));
  const wrong = boot.find(({ outcome, at }) => outcome !== "sent" && at <= latest.at);
  return wrong === undefined || wrong === latest || latest.protocol === "tftp" ? [latest] : [wrong, latest];
}
