import { deepEqual, equal, throws } from "node:assert/strict";
import { readEvents } from "../../../tools/plan/events.ts";
import { sortDiagnostics } from "../../../tools/plan/refusals.ts";

const disk = "urn:pulumi:home::bramble::a$libvirt:index/volume:Volume::physics-controller/data";
const state = { type: "x", urn: disk, id: "1", parent: "", provider: "", inputs: { size: 1 }, outputs: {} };
const events = [
  { sequence: 1, timestamp: 1, preludeEvent: { config: {} } },
  { resourcePreEvent: { metadata: { op: "update", urn: disk, type: "x", old: state, new: state, diffs: ["size"] } } },
  {
    diagnosticEvent: { prefix: "warning: ", message: "<{%fg 3%}>look<{%reset%}>", severity: "warning", color: "never" },
  },
  { diagnosticEvent: { message: "working", severity: "info", ephemeral: true } },
  { summaryEvent: { result: "succeeded", resourceChanges: { update: 1 } } },
  { cancelEvent: {} },
].map((event) => JSON.stringify(event));

describe("the engine's events", () => {
  it("are read as steps and as what was said", () => {
    const { ok, steps, diagnostics } = readEvents(events);
    equal(ok, true);
    deepEqual(
      steps.map(({ op, urn, differs }) => [op, urn, differs]),
      [["update", disk, ["size"]]],
    );
    deepEqual(diagnostics, [{ severity: "warning", message: "warning: look" }]);
  });

  it("have one word for each secret", () => {
    const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
    const inputs = { environment: { KEY: { ...mark, ciphertext: "[secret]" }, NAME: "a" }, list: [{ ...mark }] };
    const metadata = { op: "update", urn: disk, type: "x", new: { ...state, inputs } };
    const { steps } = readEvents([JSON.stringify({ resourcePreEvent: { metadata } }), ...events]);
    deepEqual(steps[0]?.new?.inputs, { environment: { KEY: "[secret]", NAME: "a" }, list: ["[secret]"] });
  });

  it("that are cut off anywhere are refused, be it in the middle of a line or between two", () => {
    const text = events.join("\n");
    for (let length = 0; length < text.length; length++)
      throws(
        () => readEvents(text.slice(0, length).split("\n")),
        /events (can't be read: line \d is cut off in the middle|end after \d, before the preview had ended)\. Nothing was changed/,
        `${length}`,
      );
  });

  it("of another kind than this version knows are refused, not left out", () => {
    throws(() => readEvents(['{"resourcePreEvent":{"metadata":{"op":7}}}', ...events]), /line 1 is no event/);
  });

  it("of a preview that failed are no plan", () => {
    equal(readEvents(events.map((line) => line.replace("succeeded", "failed"))).ok, false);
    equal(readEvents(events.filter((line) => !line.includes("summaryEvent"))).ok, false);
  });
});

describe("what the engine says", () => {
  const sorted = (...messages: string[]) =>
    sortDiagnostics(messages.map((message) => ({ severity: "error", message })));

  it("is a refusal with the rule's name when a resource's check printed one, all of them", () => {
    const said = [
      "error: bramble:index:Site$x resource 'home' has a problem: home  data-lost  the disk of physics goes",
      "    → keep it. If it is meant, write allow: { data-lost: … }",
      "home  too-many-moves  5 VMs would move, and 2 may",
    ].join("\n");
    const { refusals, failures } = sorted(said, "error: preview failed");
    deepEqual(failures, []);
    deepEqual(refusals, [
      {
        where: "home",
        rule: "data-lost",
        message: "the disk of physics goes",
        hint: "keep it. If it is meant, write allow: { data-lost: … }",
      },
      { where: "home", rule: "too-many-moves", message: "5 VMs would move, and 2 may", hint: "" },
    ]);
  });

  it("is one when a disk is protected, in both of the engine's sentences", () => {
    const advice = "To unprotect the resource, remove the `protect` flag";
    for (const said of [
      `error: unable to replace resource "${disk}" as part of replacing "urn:pulumi:home::bramble::b::pi2" as it is currently marked for protection. ${advice}`,
      `error: resource "${disk}" cannot be deleted\nbecause it is protected. ${advice}`,
    ]) {
      const [refusal] = sorted(said).refusals;
      deepEqual([refusal?.rule, refusal?.where], ["disk-protected", "physics-controller/data"]);
    }
  });

  it("is a failure when it is none of these, and then there is no plan", () => {
    const { refusals, failures } = sorted("error: Running program failed with an unhandled exception");
    deepEqual([refusals, failures], [[], ["error: Running program failed with an unhandled exception"]]);
  });
});
