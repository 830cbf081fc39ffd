import { deepEqual, equal, match } from "node:assert/strict";
import type { ReadinessReport } from "../../formats/readiness-report.ts";
import { type Look, whyGiveUp } from "../../providers/readiness/give-up.ts";
import { type Judgement, judge, type Published } from "../../providers/readiness/judge.ts";
import { type Traces, tracesOf } from "../../providers/readiness/traces.ts";
import { describe as describeBoard } from "../../providers/readiness/wait.ts";
import type { Answer, Strangeness } from "../../providers/transport/report.ts";
import { boardsAreDegraded, boardsAreOff, sumUp } from "../../tools/stack/boards.ts";

const [now, older, unknown] = ["1111111111111111", "2222222222222222", "3333333333333333"];
const [newImage, oldImage] = ["a".repeat(64), "b".repeat(64)];
const published = {
  kind: "versions",
  served: now,
  known: [
    { generation: now, image: newImage },
    { generation: older, image: oldImage },
  ],
} as const satisfies Published;
const board = { name: "pi1", serial: "100000009ffefd02", address: "10.20.0.11" };

function reports(change: Partial<ReadinessReport> = {}): Answer {
  const report: ReadinessReport = {
    board: "pi1",
    serial: "100000009ffefd02",
    generation: now,
    overlay: newImage,
    versions: { kernel: "6.18.35", os: "Alpine Linux 3.24.4" },
    bootloader: null,
    problems: [],
    bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
    writtenAt: "2026-11-25T12:00:00Z",
    ...change,
  };
  return { kind: "report", report };
}

const silent: Answer = { kind: "silent", why: "pi1 could not be reached" };
const strange = (cause: Strangeness): Answer => ({ kind: "strange", cause, why: `pi1: ${cause}` });
const judged = (answer: Answer, known: Published = published) => judge(board, answer, known);
/** What a board is, in one word, with the cause of one that is degraded. */
const kindOf = (judgement: Judgement) =>
  judgement.kind === "degraded" ? `degraded: ${judgement.cause}` : judgement.kind;

describe("a board that boots over the network", () => {
  it("is current when it runs what is published, with nothing that fails", () => {
    deepEqual(judged(reports()), { kind: "current" });
    deepEqual(judged(reports({ serial: null })), { kind: "current" });
  });

  it("is behind when it runs an older version that is still on the boot server, which is fine", () => {
    deepEqual(judged(reports({ generation: older, overlay: oldImage })), {
      kind: "behind",
      generation: older,
      why: `reboot pending: it runs ${older}, and ${now} is published`,
    });
  });

  it("is degraded when it is anything else that answers, each with its reason", () => {
    const others: readonly (readonly [Answer, string, RegExp])[] = [
      [reports({ generation: unknown }), "unknown-generation", /3333333333333333, which is not among .* Restart it/],
      [reports({ generation: null }), "unknown-generation", /something that was not booted from here/],
      [reports({ problems: ["the package qemu is not installed"] }), "problems", /qemu is not installed/],
      [reports({ overlay: oldImage }), "other-image", /bbbbbbbbbbbbbbbb, and version 1111111111111111 boots aaaaaaaa/],
      [reports({ overlay: null }), "other-image", /no image of ours/],
      [reports({ board: "pi2" }), "other-board", /calls itself pi2/],
      [reports({ serial: "10000000aaaaaa01" }), "other-board", /serial number 10000000aaaaaa01/],
      [reports({ generation: older, overlay: oldImage, problems: ["libvirtd"] }), "problems", /libvirtd/],
      ...(["refused", "host-key", "login", "no-report", "bad-report"] as const).map(
        (cause) => [strange(cause), cause, /./] as const,
      ),
    ];
    for (const [answer, cause, words] of others) {
      const judgement = judged(answer);
      equal(kindOf(judgement), `degraded: ${cause}`);
      match("why" in judgement ? judgement.why : "", words);
    }
    equal(kindOf(judged(reports(), { ...published, served: undefined })), "degraded: not-published");
  });

  it("is off when nobody answers, and unclear when only the boot server doesn't", () => {
    equal(kindOf(judged(silent)), "off");
    equal(kindOf(judged(reports(), { kind: "unknown" })), "unclear");
    equal(kindOf(judged(reports({ problems: ["x"] }), { kind: "unknown" })), "degraded: problems");
  });
});

const clock = { now: Date.UTC(2026, 10, 25, 12, 10) / 1000, offsetMinutes: 0 };
const image = "/image-hypervisor-aarch64/0123456789abcdef/hypervisor-aarch64.apkovl.tar.gz";
const http = (secondsAgo: number, path: string, status = 200) =>
  JSON.stringify({ time: clock.now - secondsAgo, remote: board.address, path, status, bytes: 1 });
const traces = (lines: readonly string[], tftp = "", identity = "") =>
  tracesOf({ http: lines.join("\n"), tftp, identity }, board.address, clock);

describe("what was last seen of a board", () => {
  it("is its last request", () => {
    equal(
      traces([http(60, image), http(40, "/packages/x")]).lastSeen,
      "at 12:09:20 it asked for /packages/x and got 200",
    );
  });

  it("is also what it did not get in the same boot, though it went on to fetch the rest", () => {
    const before = http(600, image, 404);
    equal(
      traces([before, http(60, image, 404), http(40, "/modloop")]).lastSeen,
      `at 12:09:00 it asked for ${image} and got 404; at 12:09:20 it asked for /modloop and got 200`,
    );
    equal(traces([before, http(60, image), http(40, "/m")]).lastSeen, "at 12:09:20 it asked for /m and got 200");
  });

  it("is a file by TFTP where it came no further, and of those that are not there only if there is no other", () => {
    const sent = `Nov 25 12:09:30 dnsmasq-tftp[1]: sent /srv/pi1/vmlinuz to ${board.address}`;
    const missing = `Nov 25 12:09:31 dnsmasq-tftp[1]: file /srv/pi1/x.sig not found for ${board.address}`;
    const words = "at 12:09:30 it was sent /srv/pi1/vmlinuz by TFTP";
    equal(traces([http(600, image, 404)], `${sent}\n${missing}`).lastSeen, words);
    match(traces([], missing).lastSeen ?? "", /x\.sig by TFTP, which is not there/);
    equal(traces([]).lastSeen, undefined);
  });
});

describe("what is said of a board that shows another host key", () => {
  const judgement = { kind: "degraded", cause: "host-key", why: "it showed another SSH host key" } as const;

  it("is that it lacks its image, where that is what the boot server saw: it is no other machine then", () => {
    const words = describeBoard(judgement, traces([http(600, image), http(60, image, 404)]));
    match(
      words,
      /^it is there with an SSH host key of its own, .* it did not get its image\. .*; last seen: .* got 404$/,
    );
  });

  it("is what it shows, where it got its image", () => {
    match(
      describeBoard(judgement, traces([http(600, image, 404), http(60, image)])),
      /^it showed another SSH host key; /,
    );
  });
});

describe("waiting for a board", () => {
  const looksAt = (judgement: Judgement, seen: Traces, ...times: readonly number[]): Look[] =>
    times.map((at) => ({ at, judgement, traces: { ...seen, now: seen.now + at } }));
  const degraded = (cause: Extract<Judgement, { kind: "degraded" }>["cause"], why = cause): Judgement => ({
    kind: "degraded",
    cause,
    why,
  });
  const nothing = traces([]);

  it("goes on while it is off, or has just begun, and while nobody knows what it fetched", () => {
    equal(whyGiveUp(looksAt({ kind: "off", why: "" }, nothing, 0, 5000)), undefined);
    equal(whyGiveUp(looksAt({ kind: "unclear", why: "" }, nothing, 0, 5000)), undefined);
    equal(whyGiveUp(looksAt(degraded("refused"), traces([http(10, image)]), 0)), undefined);
    equal(whyGiveUp(looksAt(degraded("problems"), nothing, 0, 100)), undefined);
    equal(whyGiveUp(looksAt(degraded("no-report"), nothing, 0, 100)), undefined);
    equal(whyGiveUp([{ at: 900, judgement: degraded("refused") }]), undefined);
  });

  it("ends at once where only a restart helps, which boards don't do by themselves", () => {
    for (const cause of [
      "host-key",
      "login",
      "other-board",
      "other-image",
      "unknown-generation",
      "not-published",
    ] as const)
      match(whyGiveUp(looksAt(degraded(cause), nothing, 0)) ?? "", /changes nothing/, cause);
  });

  it("ends when it asked for its image in the meantime and did not get it: it runs a plain Alpine for good", () => {
    const naked = { ...traces([http(5, image, 404), http(1, "/modloop")]), now: clock.now };
    match(whyGiveUp([{ at: 20, judgement: degraded("refused"), traces: naked }]) ?? "", /plain Alpine.*by hand/);
  });

  it("goes on after an image that it did not get before, as it may be in its next boot, but not for long", () => {
    const before = traces([http(50, image, 404)]);
    equal(whyGiveUp(looksAt(degraded("refused"), before, 0, 100)), undefined);
    match(whyGiveUp(looksAt(degraded("refused"), before, 0, 200)) ?? "", /plain Alpine/);
  });

  it("ends when it asks for its SSH host key in vain, after a minute", () => {
    const identity = (secondsAgo: number, status: number) =>
      JSON.stringify({ time: clock.now - secondsAgo, remote: board.address, status, why: "it was given already" });
    const inVain = traces([http(90, image)], "", identity(20, 403));
    match(inVain.lastSeen ?? "", /asked for its SSH host key and was refused: it was given already/);
    equal(whyGiveUp(looksAt(degraded("refused"), inVain, 0, 50)), undefined);
    match(whyGiveUp(looksAt(degraded("refused"), inVain, 0, 60)) ?? "", /restart it\. .* another machine/);
    const others = [traces([http(90, image)], "", identity(20, 200)), traces([http(10, image)], "", identity(20, 403))];
    for (const seen of others) equal(whyGiveUp(looksAt(degraded("refused"), seen, 0, 60)), undefined);
  });

  it("ends when it fetched all, and nothing came of it", () => {
    const fetched = traces([http(100, image), http(60, "/modloop")]);
    equal(whyGiveUp(looksAt(degraded("refused"), fetched, 0, 150)), undefined);
    match(whyGiveUp(looksAt(degraded("refused"), fetched, 0, 200)) ?? "", /last file 260 s ago.*console/);
  });

  it("ends when it begins its boot for the third time", () => {
    const lines = [http(190, image), http(120, image), http(50, image)];
    for (const judgement of [{ kind: "off", why: "" } as const, degraded("refused")]) {
      const look = { at: 200, judgement, traces: traces(lines) };
      match(whyGiveUp([look]) ?? "", /again and again, 3 times in 200 s/);
      equal(whyGiveUp([{ ...look, at: 150 }]), undefined);
    }
  });

  it("ends when problems stay the same for long, and not when others take their place", () => {
    const first = looksAt(degraded("problems", "problems"), nothing, 0, 100);
    match(whyGiveUp([...first, ...looksAt(degraded("problems"), nothing, 160)]) ?? "", /since 150 s/);
    const others = looksAt({ kind: "degraded", cause: "problems", why: "other ones" }, nothing, 160, 200);
    equal(whyGiveUp([...first, ...others]), undefined);
  });
});

describe("what `up` says of boards at its end", () => {
  const known = { published, traces: traces([http(60, image, 404)]) };
  const asked = (...answers: readonly Answer[]) =>
    answers.map((answer, index) => ({ board: { ...board, name: `pi${index + 1}` }, answer }));
  const said = (...answers: readonly Answer[]) =>
    sumUp(
      asked(...answers),
      answers.map(() => known),
    );
  const pi2 = { board: "pi2" };

  it("is one line where all run what is published", () => {
    deepEqual(said(reports(), reports(pi2)), { lines: ["2 of 2 boards run what is published."], code: 0 });
  });

  it("is which are off, with what was last seen, and which are to be rebooted, by whomever", () => {
    const { lines, code } = said(silent, reports({ ...pi2, generation: older, overlay: oldImage }));
    equal(code, boardsAreOff);
    deepEqual(lines, [
      "0 of 2 boards run what is published. The others boot it when they are next switched on or rebooted:",
      `  pi1  is off, or still booting: nobody answers at its address; last seen: at 12:09:00 it asked for ${image} and got 404`,
      `  pi2  reboot pending: it runs ${older}, and ${now} is published`,
    ]);
    equal(said(reports({ generation: older, overlay: oldImage })).code, 0);
  });

  it("is loud on those that are degraded, by an exit code of their own", () => {
    const { lines, code } = said(silent, strange("refused"), reports({ board: "pi3", problems: ["no libvirtd"] }));
    equal(code, boardsAreDegraded);
    match(
      lines.join("\n"),
      /These boot it .*\n {2}pi1 .*\nDEGRADED, so no new VM .*\n {2}pi2 {2}is there and has no SSH.*404\n {2}pi3 .*no libvirtd/,
    );
  });

  it("says that the boot server can't be asked, once, and does not call boards degraded for that", () => {
    const { lines, code } = sumUp(asked(reports(), reports(pi2)), { why: "it is off" });
    equal(code, 0);
    equal(lines.filter((line) => line.includes("it is off")).length, 1);
    match(lines.join("\n"), /0 of 2 .*\nThese work.*\n {2}pi1 {2}runs version 1111111111111111\n {2}pi2 /);
  });
});
