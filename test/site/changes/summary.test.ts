import assert from "node:assert/strict";
import * as fc from "fast-check";
import { outlineOf } from "../../../site/changes/outline.ts";
import { judged, refusals, summaryOf } from "./change.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

interface Shape {
  readonly boards: number;
  readonly workers: number;
  readonly moves: number;
}

function siteWith({ boards, workers, moves }: Shape): string {
  const pcs = Array.from(
    { length: boards },
    (_, index) =>
      `  pc${index}: { model: pc, cores: 16, memory: 64GiB, disk: 1TiB, address: 10.20.0.${index + 5}, hostKey: ${hostKey} }\n`,
  );
  return `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
${pcs.join("")}clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB, host: pc0 }
    workers: { n: { count: ${workers}, memory: 1GiB, addresses: 10.20.0.101-10.20.0.160 } }
limits: { moves: ${moves}, boards: 100 }
`;
}

describe("the summary of a site", () => {
  it("takes less than 100 bytes of the state for each VM and each board", () => {
    const bytes = (shape: Shape) => JSON.stringify(summaryOf(siteWith(shape)), null, 4).length;
    const few = bytes({ boards: 2, workers: 0, moves: 1 });
    assert.ok(bytes({ boards: 2, workers: 60, moves: 1 }) - few < 60 * 100);
    assert.ok(bytes({ boards: 22, workers: 0, moves: 1 }) - few < 20 * 100);
  });

  it("has nothing of the site's keys, and no user", () => {
    const text = `${siteWith({ boards: 1, workers: 1, moves: 1 })}users: { alice: { uid: 2001, keys: ["${hostKey}"] } }\n`;
    assert.doesNotMatch(JSON.stringify(summaryOf(text)), /ssh-|alice/);
  });

  it("is read back with all that the rules look at", () => {
    const { boards, vms, clusters } = outlineOf(summaryOf(siteWith({ boards: 1, workers: 1, moves: 1 })));
    assert.deepEqual([...boards.keys()], ["pc0"]);
    assert.deepEqual(clusters.get("physics"), { type: "slurm", disposable: false, k3s: undefined });
    const { make, ...controller } = vms.get("physics-controller") ?? {};
    assert.match(String(make), /^[0-9a-f]{8}$/);
    assert.deepEqual(controller, {
      name: "physics-controller",
      cluster: "physics",
      role: "controller",
      host: "pc0",
      data: { size: "8GiB", at: "pc0:/var/lib/libvirt/bramble" },
    });
  });

  it("that is damaged is said to be", () => {
    const summary = summaryOf(siteWith({ boards: 1, workers: 1, moves: 1 }));
    assert.throws(
      () => outlineOf({ ...summary, vms: { "physics-n1": "physics" } }),
      /physics-n1.*no role, host or make/,
    );
  });

  it("objects to no site that stays, and to a change of places exactly when more move than may", () => {
    const shape = fc.record({
      boards: fc.integer({ min: 1, max: 8 }),
      workers: fc.integer({ min: 0, max: 30 }),
      moves: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(shape, shape, (one, other) => {
        const [before, after] = [siteWith(one), siteWith(other)];
        assert.deepEqual(refusals(judged(before, before)), []);
        const [was, is] = [outlineOf(summaryOf(before)).vms, outlineOf(summaryOf(after)).vms];
        const moved = [...was.values()].filter(({ name, host }) => is.has(name) && is.get(name)?.host !== host);
        const rules = judged(before, after).refusals.map(({ rule }) => rule);
        assert.deepEqual(rules, moved.length > other.moves ? ["too-many-moves"] : []);
      }),
      { numRuns: 25 },
    );
  });
});
