import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ciCommand } from "../../tools/ci/command.ts";
import { readWorkflow, type Workflow } from "./support/workflow.ts";

/** What a workflow may do is for the forge to enforce; that it asks for no more can be read. test/engine runs its steps. */
describe("the workflows of docs/ci", () => {
  let review: Workflow;
  let merge: Workflow;
  before(async () => {
    review = await readWorkflow("pull-request.yml");
    merge = await readWorkflow("merge.yml");
  });
  const jobs = () => [...Object.entries(review.jobs), ...Object.entries(merge.jobs)];
  const text = (value: unknown) => JSON.stringify(value);

  it("call plain commands, into which nothing of a pull request is pasted", () => {
    for (const [name, { steps }] of jobs()) {
      for (const { run, uses } of steps) {
        if (run === undefined) ok(uses?.startsWith("actions/"), name);
        else match(run, /^npm (ci|run setup|run bramble -- ci [a-z]+( --[a-z]+( ("\$[A-Z]+"|[a-z/.-]+))?)*)$/, name);
      }
    }
  });

  it("call commands that there are, with options that they take", async () => {
    let called = 0;
    for (const [name, { steps }] of jobs()) {
      for (const { run } of steps) {
        const words = /^npm run bramble -- ci (.*)$/
          .exec(run ?? "")?.[1]
          ?.replaceAll('"', "")
          .split(" ");
        if (words === undefined) continue;
        called++;
        const program = ciCommand().exitOverride();
        for (const below of program.commands) {
          below.exitOverride().configureOutput({ writeErr: () => undefined });
          below.action(() => undefined);
        }
        const values = words.map((word) => (word === "$NUMBER" ? "7" : word));
        await program.parseAsync(values, { from: "user" }).catch((error: Error) => {
          throw new Error(`${name}: ${run}: ${error.message}`);
        });
      }
    }
    equal(called, 7);
  });

  it("check out the base branch alone, and fetch a pull request only to read it", () => {
    for (const [name, { steps }] of jobs()) {
      for (const { uses, with: given = {} } of steps) {
        if (uses?.startsWith("actions/checkout@"))
          deepEqual([given.ref, given.repository], [undefined, undefined], name);
      }
    }
    deepEqual(Object.keys(review.on), ["pull_request_target"]);
  });

  it("run a pull request's program only in a job that waits for a word, with a passphrase of its own", () => {
    for (const [name, { steps, environment }] of Object.entries(review.jobs)) {
      const runsTheirs = steps.some(({ run }) => run?.includes("--all"));
      equal(runsTheirs, environment === "bramble-program", name);
      equal(text(steps).includes("BRAMBLE_PROGRAM_PASSPHRASE"), runsTheirs, name);
      if (runsTheirs) equal(text(steps).includes("secrets.BRAMBLE_PASSPHRASE"), false);
    }
  });

  it("never give the passphrase and the right to write to one job, nor either to one that needs none", () => {
    for (const [name, { permissions, steps, environment }] of jobs()) {
      const { contents, ...more } = permissions;
      equal(contents, "read", name);
      const writes = "pull-requests" in more;
      const knows = text(steps).includes("secrets.");
      equal(writes, !knows, name);
      equal(environment !== undefined, knows, name);
      equal(Object.keys(more).length, writes ? 1 : 0, name);
    }
  });

  it("end an older preview for a newer one, and never an `up`", () => {
    equal(review.concurrency["cancel-in-progress"], true);
    match(review.concurrency.group, /pull_request\.number/);
    equal(merge.concurrency["cancel-in-progress"], false);
    equal(merge.concurrency.group.includes("${{"), false);
  });
});
