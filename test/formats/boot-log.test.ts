import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  type BootEvent,
  describeEvent,
  type LogClock,
  parseHttpLog,
  parseIdentityLog,
  parseTftpLog,
  printTime,
} from "../../formats/boot-log.ts";

const board = "10.20.0.11";
/** 2026-11-25 12:10:00 in UTC, on a machine that is an hour ahead. */
const clock: LogClock = { now: Date.UTC(2026, 10, 25, 12, 10) / 1000, offsetMinutes: 60 };
const image = "/image-hypervisor-aarch64/0123456789abcdef/hypervisor-aarch64.apkovl.tar.gz";

function request(change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    time: clock.now - 60.5,
    remote: board,
    path: image,
    status: 200,
    bytes: 2_000_000,
    ...change,
  });
}

function tftp(text: string): BootEvent[] {
  return parseTftpLog(text, board, clock);
}

describe("the log of HTTP requests", () => {
  it("says what an address asked for, in its order, and whether it got it", () => {
    const log = [
      request({ status: 404, bytes: 146 }),
      request({ remote: "10.20.0.1" }),
      request({ remote: "10.20.0.111" }),
      request({ path: "/packages/x", status: 206 }),
      request({ status: 500 }),
    ];
    deepEqual(
      parseHttpLog(log.join("\n"), board).map(({ path, outcome, status }) => [path, outcome, status]),
      [
        [image, "missing", 404],
        ["/packages/x", "sent", 206],
        [image, "failed", 500],
      ],
    );
  });

  it("is read also where its first line is cut off, another is half written, and one is nobody's", () => {
    const log = `${request().slice(20)}\n${request({ path: "/a" })}\n[error] 12#12: x\n{}\nnull\n${request().slice(0, 40)}`;
    deepEqual(
      parseHttpLog(log, board).map(({ path }) => path),
      ["/a"],
    );
  });

  it("can't be made to say something of another address, or of another status, by a path", () => {
    const path = `/x","status":200,"remote":"${board}`;
    deepEqual(parseHttpLog(request({ remote: "10.20.0.66", path }), board), []);
    equal(parseHttpLog(request({ path, status: 404 }), board)[0]?.outcome, "missing");
  });
});

describe("the log of TFTP", () => {
  it("says what was sent, what is not there and what broke off, in the time of the year that it must be", () => {
    const log = `Nov 25 13:08:09 dnsmasq-tftp[712]: error 0 Early terminate received from ${board}
Nov 25 13:08:10 dnsmasq-tftp[712]: file /srv/bramble/tftp/dc-a6/recovery.elf not found for ${board}
Nov 25 13:08:11 dnsmasq-tftp[712]: sent /srv/bramble/tftp/dc-a6/start4.elf to ${board}
Nov 25 13:08:12 dnsmasq-tftp[712]: failed sending /srv/bramble/tftp/dc-a6/vmlinuz to ${board}
Nov 25 13:08:13 dnsmasq-tftp[712]: sent /srv/bramble/tftp/dc-a6/start4.elf to 10.20.0.111
Nov 25 13:08:14 dnsmasq-dhcp[712]: DHCPACK(eth0) ${board} dc:a6:32:00:00:01`;
    const at = (seconds: number) => Date.UTC(2026, 10, 25, 12, 8, seconds) / 1000;
    deepEqual(tftp(log), [
      { at: at(10), protocol: "tftp", path: "/srv/bramble/tftp/dc-a6/recovery.elf", outcome: "missing" },
      { at: at(11), protocol: "tftp", path: "/srv/bramble/tftp/dc-a6/start4.elf", outcome: "sent" },
      { at: at(12), protocol: "tftp", path: "/srv/bramble/tftp/dc-a6/vmlinuz", outcome: "failed" },
    ]);
    equal(tftp(`Dec  3 01:00:00 dnsmasq-tftp[1]: sent /x to ${board}`)[0]?.at, Date.UTC(2025, 11, 3) / 1000);
  });

  it("can't be made to say something of another address by a path", () => {
    deepEqual(tftp(`Nov 25 13:08:11 dnsmasq-tftp[7]: sent /x to ${board} to 10.20.0.66`), []);
    deepEqual(tftp(`Nov 25 13:08:11 dnsmasq-tftp[7]: file /x not found for ${board} not found for 10.20.0.66`), []);
  });
});

describe("the log of SSH host keys that were asked for", () => {
  it("says who got it, and why others did not", () => {
    const line = (remote: string, status: number, why: string) =>
      JSON.stringify({ time: clock.now, remote, status, why });
    const log = [
      line(board, 403, "it was given already"),
      line("10.20.0.66", 200, "x"),
      line(board, 200, "first"),
      "{",
    ];
    const events = parseIdentityLog(log.join("\n"), board);
    deepEqual(
      events.map((event) => describeEvent(event, clock)),
      [
        "at 13:10:00 it asked for its SSH host key and was refused: it was given already",
        "at 13:10:00 it asked for its SSH host key and got it",
      ],
    );
  });
});

describe("what a boot server noted, in words,", () => {
  it("has the time of the machine that noted it, and the date if that is another day's", () => {
    equal(printTime(clock.now, clock), "13:10:00");
    equal(printTime(clock.now - 24 * 3600, clock), "2026-11-24 13:10:00");
    const [asked] = parseHttpLog(request({ status: 404 }), board);
    ok(asked !== undefined);
    equal(describeEvent(asked, clock), `at 13:08:59 it asked for ${image} and got 404`);
    const [sent] = tftp(`Nov 25 13:08:11 dnsmasq-tftp[7]: sent /srv/a to ${board}`);
    ok(sent !== undefined);
    equal(describeEvent(sent, clock), "at 13:08:11 it was sent /srv/a by TFTP");
  });

  it("does nothing to a terminal and stays short, whatever was asked for", () => {
    const lines = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    fc.assert(
      fc.property(lines, lines, (asked, anything) => {
        const path = `/🍓${asked.replaceAll("\n", "")}`;
        const log = `${request({ path })}\n${anything}\nNov 25 13:08:11 dnsmasq-tftp[7]: sent ${path} to ${board}`;
        const events = [...parseHttpLog(log, board), ...parseTftpLog(log, board, clock)];
        ok(events.length > 0);
        for (const event of events) {
          const words = describeEvent(event, clock);
          ok(/^[ -~…]*$/.test(words) && words.length < 260, words);
        }
      }),
      { numRuns: 40 },
    );
  });
});
