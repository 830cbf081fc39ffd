import { deepEqual, equal, match, throws } from "node:assert/strict";
import { quorumObjection } from "../../../providers/steps/k3s-quorum.ts";
import type { RolloutNote } from "../../../providers/tftp-tree/rollout-note.ts";
import type { Answer } from "../../../providers/transport/report.ts";
import type { Boot, Site } from "../../../site/model.ts";
import { planRollout, type Wishes } from "../../../tools/rollout/plan.ts";
import { planText } from "../../../tools/rollout/text.ts";
import { generations, known, report, site as sample } from "../support/status-sample.ts";

const site: Site & { readonly boot: Boot } = { ...sample, boot: sample.boot ?? raise("no boot section") };
const old = { generation: generations.old };
const bootId = "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11";

/** What is planned where boards say this, and a rollout noted that. */
function plan(
  answers: Readonly<Record<string, Answer>>,
  {
    notes = {},
    drained = [],
    served,
    ...wishes
  }: Wishes & {
    readonly notes?: Readonly<Record<string, RolloutNote>>;
    readonly drained?: readonly string[];
    readonly served?: string;
  } = {},
) {
  const all = { pi1: report("pi1"), pi2: report("pi2"), pi3: report("pi3"), ...answers };
  const knows = Object.keys(all).map((name) => {
    const one = known();
    const published = served === undefined ? one.published : { ...one.published, served };
    return [name, { ...one, published, ...(notes[name] && { rollout: notes[name] }) }] as const;
  });
  const gathered = { reports: new Map(Object.entries(all)), known: new Map(knows) };
  return planRollout({ site }, gathered, new Set(drained), wishes);
}

const note = { format: 1, from: generations.old, target: generations.new, since: "2026-11-30T12:00:00Z" } as const;
const batches = ({ batches }: ReturnType<typeof plan>) => batches.map((batch) => batch.map(({ board }) => board));

describe("the plan of a rollout", () => {
  it("restarts those that are behind, and nobody else", () => {
    const planned = plan({ pi2: report("pi2", old), pi3: { kind: "silent", why: "no answer" } });
    deepEqual(batches(planned), [["pi2"]]);
    deepEqual(planned.current, ["pi1"]);
    deepEqual(
      planned.left.map(({ board, kind }) => [board, kind]),
      [["pi3", "off"]],
    );
  });

  it("leaves one alone that nobody knows, unless it is named and answers", () => {
    const strange = {
      pi1: report("pi1", { generation: "9999999999999999" }),
      pi2: { kind: "silent", why: "" } as const,
    };
    deepEqual(batches(plan(strange)), []);
    const meant = plan(strange, { only: ["pi1", "pi2"] });
    deepEqual(batches(meant), [["pi1"]]);
    deepEqual(
      meant.left.map(({ board }) => board),
      ["pi2"],
    );
    throws(
      () => plan({}, { only: ["pi7"] }),
      /No board that boots over the network is called pi7. There are: pi1, pi2, pi3/,
    );
  });

  it("waits for one that was restarted by an earlier rollout, whatever it is now; not for one that has not gone down", () => {
    const underway: RolloutNote = { ...note, kind: "underway", bootId };
    const again = { bootId: "6e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11" };
    const awaited = (answer: Answer) => plan({ pi1: answer }, { notes: { pi1: underway } }).awaited.length;
    equal(awaited({ kind: "silent", why: "" }), 1);
    equal(awaited(report("pi1", again)), 1);
    equal(awaited(report("pi1", { ...again, problems: ["no"] })), 1);
    equal(awaited(report("pi1", old)), 0);
    deepEqual(batches(plan({ pi1: report("pi1", old) }, { notes: { pi1: underway } })), [["pi1"]]);
    // What was published since is another matter.
    const other: RolloutNote = { ...underway, target: "3333333333333333" };
    equal(plan({ pi1: report("pi1", again) }, { notes: { pi1: other } }).awaited.length, 0);
  });

  it("leaves one alone that is held, finishes putting it back, and forgets it when another version is published", () => {
    const held: RolloutNote = { ...note, kind: "held", why: "came up with problems." };
    const notes = { pi1: held };
    const back = plan({ pi1: report("pi1", old) }, { notes, served: generations.old });
    deepEqual(
      [
        batches(back)
          .flat()
          .some((name) => name === "pi1"),
        back.held.length,
        back.unfinished.length,
      ],
      [false, 1, 0],
    );
    equal(plan({ pi1: report("pi1") }, { notes }).unfinished.length, 1);
    const other = { ...held, target: "3333333333333333", from: "4444444444444444" };
    deepEqual(batches(plan({ pi1: report("pi1", old) }, { notes: { pi1: other } })), [["pi1"]]);
  });

  it("gives nodes back on boards that run what they should, and on no others", () => {
    const onPi1 =
      site.vms.find(({ host, role }) => host === "pi1" && role === "worker")?.name ?? raise("no worker on pi1");
    deepEqual(plan({}, { drained: [onPi1] }).drained, ["pi1"]);
    deepEqual(plan({ pi1: report("pi1", old) }, { drained: [onPi1] }).drained, []);
  });

  it("says what would be done, drained and shut down, and what is at stake", () => {
    const text = planText(
      site,
      plan({ pi1: report("pi1", old), pi2: report("pi2", old), pi3: { kind: "silent", why: "" } }),
    );
    match(text, /^home: 2 boards are to restart, in 2 batches\n/);
    match(text, /pi1 {2}1111111111111111 → 2222222222222222\n/);
    match(text, /drained first: physics-n\d \(30 min at most\)/);
    match(text, /shut down: physics-controller/);
    match(text, /at stake: until physics-controller is back, nobody logs in to physics and no job starts/);
    match(text, /Left alone:\n {2}pi3 {2}off: is off/);
  });

  it("is none where the boot server can't be asked", () => {
    throws(
      () => planRollout({ site }, { reports: new Map(), known: { why: "it is off" } }, new Set(), {}),
      /The boot server can't be asked what it has for boards: it is off\. Nothing was changed/,
    );
  });
});

describe("a k3s server that is to be away for a while", () => {
  const server = (name: string, up = true) => ({
    ...{ name, ready: up, voter: true, member: true, left: false, waits: false, version: "v1.35.0+k3s3" },
  });
  it("may be, as long as most of all members are up without it", () => {
    equal(quorumObjection([server("a"), server("b"), server("c")], "a", "web"), undefined);
    match(
      quorumObjection([server("a"), server("b"), server("c", false)], "a", "web") ?? "",
      /web would lose its quorum while a is away: 1 of its 3 servers would be up, and it takes 2/,
    );
    match(quorumObjection([server("a"), server("b")], "a", "web") ?? "", /it takes 2/);
    equal(quorumObjection([server("a")], "a", "web"), undefined);
    equal(
      quorumObjection([{ ...server("agent"), member: false }, server("b"), server("c", false)], "agent", "web"),
      undefined,
    );
  });
});

function raise(message: string): never {
  throw new Error(message);
}
