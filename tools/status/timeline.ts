import type { AddressEvent } from "../../formats/address-log.ts";
import { type BootEvent, printable } from "../../formats/boot-log.ts";
import type { Noted } from "../../providers/readiness/boot-server.ts";
import { isOverlay } from "../../providers/readiness/traces.ts";
import { isoTime, type Stage } from "./model.ts";

/** What a board says of itself when it has come up. */
export interface Arrival {
  /** Seconds since 1970. */
  readonly writtenAt: number;
  readonly problems: readonly string[];
}

/** Files of one boot follow each other faster; a board without an answer asks again sooner. In seconds. */
const longestPause = 120;

/**
 * The stages of a board's last boot, the first one first. What the logs say, anybody can have caused; that it is ready,
 * it said itself.
 * @param address the board's own
 */
export function timelineOf(noted: Noted | undefined, address: string, arrival: Arrival | undefined): Stage[] {
  const boot = noted === undefined ? [] : lastBoot(noted.events);
  const stages = [
    ...addressStage(noted?.addresses ?? [], boot[0]?.at, address),
    ...tftpStage(boot.filter(({ protocol }) => protocol === "tftp")),
    ...httpStage(boot.filter(({ protocol }) => protocol === "http")),
    ...identityStage(boot.filter(({ protocol }) => protocol === "identity")),
  ];
  return [...stages, ...readyStage(arrival)];
}

/** From the last request on that began a boot: one by TFTP after others than those, or after a pause. */
function lastBoot(events: readonly BootEvent[]): BootEvent[] {
  const sorted = [...events].sort((a, b) => a.at - b.at);
  const begins = sorted.findLastIndex(({ at, protocol }, index) => {
    const before = sorted[index - 1];
    if (before === undefined) return true;
    return protocol === "tftp" && (before.protocol !== "tftp" || at - before.at > longestPause);
  });
  // Without a word of TFTP, as with another server for that, the image that was fetched last tells.
  if (sorted[begins]?.protocol === "tftp" || begins === -1) return sorted.slice(Math.max(0, begins));
  const image = sorted.findLastIndex(isOverlay);
  return sorted.slice(Math.max(0, image));
}

/** What was noted shortly before the first file, or since, where none followed. */
function addressStage(noted: readonly AddressEvent[], firstFile: number | undefined, address: string): Stage[] {
  const sorted = [...noted].sort((a, b) => a.at - b.at);
  const last = sorted.at(-1);
  if (last === undefined) return [];
  const since = Math.min(firstFile ?? last.at, last.at) - longestPause;
  const recent = sorted.filter(({ at }) => at >= since);
  const elsewhere = recent.filter(
    (event) =>
      ["other-server", "files-from"].includes(event.kind) || (event.kind === "request" && event.address !== address),
  );
  const words = elsewhere.length > 0 ? strayWords(elsewhere, address) : usualWords(recent);
  return [stageOf("dhcp", recent, elsewhere.length > 0 ? "warning" : "done", words)];
}

function strayWords(events: readonly AddressEvent[], address: string): string {
  const others = [...new Set(events.map((event) => event.address ?? "?"))].join(", ");
  const took = events.some(({ kind }) => kind !== "files-from");
  const seen = took
    ? `it took the address ${others} from another DHCP server`
    : `its files were asked for from ${others}: it has this address, or another board asks in its name`;
  return `${seen}; the site file says ${address}. Look for a second DHCP server (docs/boot.md, Who gives addresses)`;
}

function usualWords(events: readonly AddressEvent[]): string {
  const given = events.findLast(({ kind }) => kind === "given");
  if (given !== undefined) return `it was given ${given.address}`;
  if (events.some(({ kind }) => kind === "told")) return "it was told where its files are";
  if (events.some(({ kind }) => kind === "refused")) return "it was refused an address";
  const asked = events.filter(({ kind }) => kind === "discover").length;
  return asked > 1 ? `it asked for an address ${asked} times` : "it asked for an address";
}

function tftpStage(events: readonly BootEvent[]): Stage[] {
  const last = events.findLast(({ outcome }) => outcome !== "missing") ?? events.at(-1);
  if (last === undefined) return [];
  const of = (wanted: BootEvent["outcome"]) => events.filter(({ outcome }) => outcome === wanted).length;
  const words = [
    `${of("sent")} ${of("sent") === 1 ? "file" : "files"} sent`,
    // Boards ask for much that need not be there.
    ...(of("missing") > 0 ? [`${of("missing")} not there`] : []),
    ...(of("failed") > 0 ? [`${of("failed")} broke off`] : []),
    `the last ${printable(last.path)}`,
  ];
  const outcome = last.outcome === "sent" ? "done" : "failed";
  return [stageOf("tftp", events, outcome, words.join(", "))];
}

function httpStage(events: readonly BootEvent[]): Stage[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  const image = events.findLast(isOverlay);
  const wrong = events.findLast(({ outcome }) => outcome !== "sent");
  if (image !== undefined && image.outcome !== "sent")
    return [
      stageOf("http", events, "failed", `it asked for its image and got ${image.status}: ${printable(image.path)}`),
    ];
  const got = image === undefined ? [] : ["it got its image"];
  if (wrong !== undefined)
    return [
      stageOf(
        "http",
        events,
        "warning",
        [...got, `it asked for ${printable(wrong.path)} and got ${wrong.status}`].join(", "),
      ),
    ];
  const words = last === image ? got : [...got, `the last file was ${printable(last.path)}`];
  return [stageOf("http", events, "done", words.join(", "))];
}

function identityStage(events: readonly BootEvent[]): Stage[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  return last.outcome === "sent"
    ? [stageOf("identity", events, "done", "it got its SSH host key")]
    : [stageOf("identity", events, "failed", `it was refused its SSH host key: ${printable(last.path)}`)];
}

function readyStage(arrival: Arrival | undefined): Stage[] {
  if (arrival === undefined) return [];
  const { writtenAt, problems } = arrival;
  const words = problems.length === 0 ? "it says that all of it works" : `it says of itself: ${problems.join("; ")}`;
  return [stageOf("ready", [{ at: writtenAt }], problems.length === 0 ? "done" : "failed", words)];
}

function stageOf(
  stage: Stage["stage"],
  events: readonly { readonly at: number }[],
  outcome: Stage["outcome"],
  words: string,
): Stage {
  const times = events.map(({ at }) => at);
  return { stage, from: isoTime(Math.min(...times)), to: isoTime(Math.max(...times)), outcome, words };
}
