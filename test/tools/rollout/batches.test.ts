import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { Vm } from "../../../site/model.ts";
import { batchesOf, type Stakes, stakesOf } from "../../../tools/rollout/batches.ts";
import { shelf, siteOf } from "../../site/shelf.ts";
import { site } from "../support/status-sample.ts";

/** Boards with any VMs, servers, controllers and others' disks. */
const boards = fc
  .uniqueArray(
    fc.record({
      board: fc.stringMatching(/^pi[0-9]{1,3}$/),
      vms: fc.array(fc.constant(site.vms[0] as Vm), { maxLength: 4 }),
      quorums: fc.subarray(["web", "lab"]),
      leaderless: fc.subarray(["physics", "teaching"]),
      stalled: fc.subarray(["tower"]),
    }),
    { selector: ({ board }) => board, maxLength: 20 },
  )
  .map((all): Stakes[] => all);
const room = fc.record({
  batch: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  limits: fc.record({ boards: fc.integer({ min: 1, max: 5 }), moves: fc.integer({ min: 1, max: 9 }) }),
});

describe("the batches of a rollout", () => {
  const always = (
    holds: (batches: readonly (readonly Stakes[])[], boards: Stakes[], room: Parameters<typeof batchesOf>[1]) => void,
  ) => fc.assert(fc.property(boards, room, (all, wanted) => holds(batchesOf(all, wanted), all, wanted)));

  it("have every board once", () => {
    always((batches, all) => {
      deepEqual(
        batches
          .flat()
          .map(({ board }) => board)
          .sort(),
        all.map(({ board }) => board).sort(),
      );
      ok(batches.every(({ length }) => length > 0));
    });
  });

  it("never have more boards, and VMs on several of them, than may be away at once", () => {
    always((batches, _, { batch = Number.POSITIVE_INFINITY, limits }) => {
      for (const together of batches) {
        ok(together.length <= Math.min(batch, limits.boards));
        if (together.length > 1) ok(together.flatMap(({ vms }) => vms).length <= limits.moves);
      }
    });
  });

  it("have boards with VMs one by one, if nothing is said", () => {
    always((batches, _, { batch }) => {
      if (batch !== undefined) return;
      for (const together of batches) ok(together.length === 1 || together.every(({ vms }) => vms.length === 0));
    });
  });

  it("never have two servers of one cluster, nor two that lead clusters, and a board with others' disks is alone", () => {
    always((batches) => {
      for (const together of batches) {
        const servers = together.flatMap(({ quorums }) => quorums);
        equal(new Set(servers).size, servers.length);
        ok(together.filter(({ leaderless }) => leaderless.length > 0).length <= 1);
        ok(together.length === 1 || together.every(({ stalled }) => stalled.length === 0));
      }
    });
  });

  it("come in the order of what is at stake, and then in the site's", () => {
    const none = { vms: [], quorums: [], leaderless: [], stalled: [] };
    const vms = site.vms.slice(0, 1);
    const all: Stakes[] = [
      { ...none, board: "nas", stalled: ["pi1"] },
      { ...none, board: "leads", vms, leaderless: ["physics"] },
      { ...none, board: "serves", vms, quorums: ["web"] },
      { ...none, board: "hosts2", vms },
      { ...none, board: "hosts1", vms },
      { ...none, board: "idle1" },
      { ...none, board: "idle2" },
    ];
    deepEqual(
      batchesOf(all, { limits: { boards: 2, moves: 10 } }).map((batch) => batch.map(({ board }) => board)),
      [["idle1", "idle2"], ["hosts2"], ["hosts1"], ["serves"], ["leads"], ["nas"]],
    );
    equal(batchesOf(all, { batch: 9, limits: { boards: 3, moves: 10 } }).length, 3);
  });

  it("are as large as the site file says", () => {
    deepEqual(siteOf(`${shelf}rollout: { batch: 2 }\n`).rollout, { batch: 2 });
    deepEqual(siteOf(shelf).rollout, {});
  });

  it("know what a site has at stake", () => {
    const { vms, leaderless, quorums, stalled } = stakesOf(site, "pi1");
    ok(vms.some(({ name }) => name === "physics-controller"));
    deepEqual([leaderless, quorums, stalled], [["physics"], [], []]);
    deepEqual(stakesOf(site, "nas").stalled, ["pi1", "pi2", "pi3"]);
  });
});
