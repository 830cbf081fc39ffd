import assert from "node:assert/strict";
import type { GuardInputs, GuardRequest } from "../../providers/guard/inputs.ts";
import { check, create, diff, update } from "../../providers/guard/provider.ts";
import { siteOf, summaryOf } from "../site/changes/change.ts";
import { shelf } from "../site/shelf.ts";

function request(text: string): GuardRequest {
  const { limits, allow } = siteOf(text);
  return { ...summaryOf(text), limits, allow };
}

/** What the state has after an `up` of the site. */
async function state(text: string, olds: Partial<GuardInputs> = {}) {
  const { inputs, failures } = check(olds, request(text));
  assert.deepEqual(failures, []);
  return { inputs, outs: (await create(inputs)).outs };
}

describe("the guard's provider", () => {
  const smaller = shelf.replace(/clusters:[\s\S]*(?=users:)/, "");

  it("lets pass a site that the state has nothing of", async () => {
    const { inputs } = await state(shelf);
    assert.deepEqual([inputs.changes, inputs.allowed], [0, {}]);
    assert.ok(!("limits" in inputs) && !("allow" in inputs));
  });

  it("sees no difference where the site is the same, whatever is allowed or limited", async () => {
    const { inputs, outs } = await state(shelf);
    const same = check(inputs, request(`${shelf}limits: { moves: 5 }\n`)).inputs;
    assert.deepEqual(same, inputs);
    assert.equal(diff("home", outs, same).changes, false);
  });

  it("counts changes, and keeps what was allowed to the last one when the allowance is gone", async () => {
    const first = await state(shelf.replace("count: 2", "count: 3"));
    const second = await state(shelf, first.inputs);
    assert.equal(second.inputs.changes, 1);
    assert.equal(diff("home", first.outs, second.inputs).changes, true);
    assert.deepEqual((await update("home", first.outs, second.inputs)).outs, second.outs);

    const { failures } = check(second.inputs, request(smaller));
    assert.deepEqual(
      failures.map(({ property, reason }) => [property, reason.split("  ").slice(0, 2).join(" ")]),
      [
        ["", "home last-controller"],
        ["", "home data-lost"],
      ],
    );
    const words = failures.map(({ reason }) => /allow: \{ (\S+: \{ plan: p[0-9a-f]{8}), because/.exec(reason)?.[1]);
    const allow = `allow: { ${words.map((word) => `${word}, because: It is over }`).join(", ")} }\n`;
    const third = await state(smaller + allow, second.inputs);
    assert.deepEqual(third.inputs.allowed, { "last-controller": "It is over", "data-lost": "It is over" });
    assert.deepEqual((await state(smaller, third.inputs)).inputs, third.inputs);
  });

  it("refuses with the rule, the numbers and what to do, in the form of all messages", async () => {
    const { inputs } = await state(shelf);
    const [failure] = check(inputs, request(smaller)).failures;
    assert.match(
      failure?.reason ?? "",
      /^home {2}last-controller {2}physics-controller would go, the only controller of physics, which has 2 workers\n {4}→ set count: 0 .*\. If it is meant, write allow: \{ last-controller: \{ plan: p[0-9a-f]{8}, because: "…" \} \}$/,
    );
  });
});
