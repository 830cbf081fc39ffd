import { deepEqual, equal, match, notEqual, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import { whyNoPrivateMachine } from "../../doubles/private-machine.ts";
import { type RolloutLan, startRolloutLan } from "./lan.ts";

describe("a rollout on a network", function () {
  this.timeout(300_000);
  let lan: RolloutLan;
  let first: string;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || !existsSync("/usr/sbin/sshd")) this.skip();
    lan = await startRolloutLan();
    first = await lan.publish("first");
    for (const board of ["pi1", "pi2"]) await lan.restart(board);
  });
  after(() => lan?.stop());

  const running = async () => [await lan.runs("pi1"), await lan.runs("pi2")];
  const rollsOut = async (expected: number, wishes?: object) => {
    const { code, lines } = await lan.rollOut(wishes);
    equal(code, expected, said(lines));
  };
  const said = (lines: readonly string[]) => lines.join("\n");

  it("has nothing to do where all boards run what is published", async () => {
    deepEqual(await running(), [first, first]);
    const { code, lines } = await lan.rollOut();
    deepEqual([code, lines], [0, []]);
    match(await lan.dryRun(), /^home: no board is to restart\n\nCurrent: pi1, pi2\n$/);
  });

  it("restarts boards one after the other, each with its nodes drained and its VMs shut down", async () => {
    const second = await lan.publish("second");
    const plan = await lan.dryRun();
    match(plan, /2 boards are to restart, in 2 batches/);
    deepEqual(await running(), [first, first]);
    const { code, lines } = await lan.rollOut();
    equal(code, 0, said(lines));
    deepEqual(await running(), [second, second]);
    match(said(lines), /Batch 1 of 2: pi2[\s\S]*pi2 runs [0-9a-f]+, with its VMs and nodes[\s\S]*Batch 2 of 2: pi1/);
    equal(
      await lan.read("controller", "told"),
      "physics-b1 drained Bramble: its host restarts\nphysics-b1 idle none\nphysics-a1 drained Bramble: its host restarts\nphysics-a1 idle none\n",
    );
    match(await lan.read("pi1", "asked"), /shutdown home-physics-controller/);
    deepEqual([await lan.note("pi1"), await lan.note("pi2")], [undefined, undefined]);
  });

  it("stops at the first board that does not come up, puts it back, and leaves the others alone", async () => {
    const bad = await lan.publish("bad");
    const before = await lan.runs("pi1");
    await lan.isBad("pi2", bad, "the service libvirtd is not started");
    const { code, lines } = await lan.rollOut();
    equal(code, 1);
    match(
      said(lines),
      /pi2 is not as it should be after \d+ s: it says of itself: the service libvirtd is not started/,
    );
    match(said(lines), /serves it [0-9a-f]+ again[\s\S]*; it runs that, with its VMs and nodes/);
    deepEqual(await running(), [before, before]);
    deepEqual([await lan.served("pi1"), await lan.served("pi2")], [bad, before]);
    const note = await lan.note("pi2");
    deepEqual([note?.kind, note?.from, note?.target], ["held", before, bad]);
    match(await lan.read("controller", "nodes/physics-b1"), /^idle/);
  });

  it("leaves a board alone that is held, and says so, until its target is another one", async () => {
    const before = await lan.runs("pi2");
    equal(await lan.upFindsSomething("pi2", "bad"), false);
    equal(await lan.served("pi2"), before);
    match(
      await lan.dryRun(),
      /1 board is to restart[\s\S]*Held back[\s\S]*pi2 {2}runs [0-9a-f]+ and not [0-9a-f]+, since/,
    );
    await rollsOut(0, { only: ["pi2"] });
    equal(await lan.runs("pi2"), before);
    const good = await lan.publish("good");
    equal(await lan.note("pi2"), undefined);
    await rollsOut(0);
    deepEqual(await running(), [good, good]);
  });

  it("tries a version again that is released", async () => {
    const bad = await lan.publish("worse");
    await lan.isBad("pi2", bad, "no");
    await rollsOut(1);
    match(await lan.release("pi2"), /pi2 is not held any more: [0-9a-f]+ is served again/);
    equal(await lan.served("pi2"), bad);
    await lan.run("admin", "rm -r /run/machines/pi2/bad");
    await rollsOut(0);
    deepEqual(await running(), [bad, bad]);
  });

  it("restarts nothing when jobs don't end in time: the worker takes jobs again, and nothing else was done", async () => {
    await lan.publish("third");
    const before = await running();
    await lan.write("controller", "jobs/physics-b1", "  job 7, long of alice, RUNNING\n");
    const { code, lines } = await lan.rollOut();
    equal(code, 1);
    match(
      said(lines),
      /physics-b1 takes no more work; it still has\s+job 7[\s\S]*is not empty after 8 s \(drain\.timeout\)/,
    );
    deepEqual(await running(), before);
    match(await lan.read("controller", "nodes/physics-b1"), /^idle/);
    match(await lan.read("pi2", "domains/home-physics-b1"), /^running/);
  });

  it("that is interrupted during a drain gives the node back, and restarts nothing", async () => {
    const before = await running();
    const { code, lines } = await lan.rollOut({}, "takes no more work");
    notEqual(code, 0);
    match(said(lines), /pi2 is as it was before/);
    deepEqual(await running(), before);
    match(await lan.read("controller", "nodes/physics-b1"), /^idle/);
    await lan.run("admin", "rm -r /run/machines/controller/jobs");
  });

  it("gives up where a VM does not shut down, and starts again what did", async () => {
    const before = await running();
    await lan.write("pi2", "deaf", "");
    const { code, lines } = await lan.rollOut();
    equal(code, 1);
    match(said(lines), /pi2 was not restarted: home-physics-b1 did not shut down within 12 s/);
    deepEqual(await running(), before);
    match(await lan.read("controller", "nodes/physics-b1"), /^idle/);
    await lan.run("admin", "rm /run/machines/pi2/deaf");
  });

  it("leaves a node drained that somebody else has drained", async () => {
    await lan.write("controller", "nodes/physics-b1", "drained a fan is broken\n");
    await rollsOut(0, { only: ["pi2"] });
    equal(await lan.runs("pi2"), await lan.served("pi2"));
    equal(await lan.read("controller", "nodes/physics-b1"), "drained a fan is broken\n");
    await lan.write("controller", "nodes/physics-b1", "idle none\n");
  });

  it("is refused while another one is under way, by the boot server itself", async () => {
    const lock = "/run/machines/tower/tftp/.bramble/rollouts/lock";
    await lan.run(
      "tower",
      `echo process 7 of ann >${lock}; flock ${lock} sh -c 'touch /run/locked; until [ -e /run/unlock ]; do sleep 0.1; done' >/dev/null 2>&1 & until [ -e /run/locked ]; do sleep 0.1; done`,
    );
    await rejects(lan.rollOut(), /Another rollout of this site is under way: process 7 of ann/);
    await lan.run("tower", `touch /run/unlock; flock ${lock} true`);
    await rollsOut(0);
    deepEqual(await running(), [await lan.served("pi1"), await lan.served("pi2")]);
  });

  it("that was ended while a board restarted goes on with it, and its nodes take work again", async () => {
    const last = await lan.publish("fourth");
    // As a kill leaves it: noted, restarted, drained.
    const report = JSON.parse(await lan.read("pi2", "bramble/report.json"));
    const note = { format: 1, kind: "underway", from: report.generation, target: last, since: "2026-11-30T12:00:00Z" };
    await lan.write(
      "tower",
      "tftp/.bramble/rollouts/pi2.json",
      `${JSON.stringify({ ...note, bootId: report.bootId })}\n`,
    );
    await lan.write("controller", "nodes/physics-b1", "drained Bramble: its host restarts\n");
    await lan.restart("pi2");
    match(await lan.dryRun(), /pi2 {2}was restarted at 2026-11-30T12:00:00Z/);
    const { code, lines } = await lan.rollOut();
    equal(code, 0, said(lines));
    deepEqual(await running(), [last, last]);
    equal(await lan.note("pi2"), undefined);
    match(await lan.read("controller", "nodes/physics-b1"), /^idle/);
  });

  it("that was ended after that puts the board back when it did not come up", async () => {
    const before = await lan.runs("pi1");
    const bad = await lan.publish("fifth");
    await lan.isBad("pi1", bad, "no");
    const report = JSON.parse(await lan.read("pi1", "bramble/report.json"));
    const note = { format: 1, kind: "underway", from: before, target: bad, since: "2026-11-30T12:00:00Z" };
    await lan.write(
      "tower",
      "tftp/.bramble/rollouts/pi1.json",
      `${JSON.stringify({ ...note, bootId: report.bootId })}\n`,
    );
    await lan.restart("pi1");
    const { code } = await lan.rollOut();
    equal(code, 1);
    deepEqual(await running(), [before, before]);
    equal((await lan.note("pi1"))?.kind, "held");
  });

  it("that was ended after all had come up gives the nodes back that it had drained", async () => {
    await lan.publish("sixth");
    await rollsOut(0);
    await lan.write("controller", "nodes/physics-a1", "drained Bramble: its host restarts\n");
    match(await lan.dryRun(), /pi1 {2}its nodes take work again/);
    const { code, lines } = await lan.rollOut();
    equal(code, 0);
    match(said(lines), /pi1 has its nodes back/);
    match(await lan.read("controller", "nodes/physics-a1"), /^idle/);
  });
});
