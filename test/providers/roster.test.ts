import assert from "node:assert/strict";
import { check, create, diff, update } from "../../providers/roster/provider.ts";

const machine = (name: string) => ({
  type: "slurm",
  cluster: "physics",
  turn: 0,
  vm: { site: "home", name, host: "pi1", on: { connect: "local" as const }, uuid: name, owner: "Bramble site home 0" },
});
const roster = (...names: string[]) => ({
  site: "home",
  machines: Object.fromEntries(names.map((name) => [name, machine(name)])),
});

describe("Roster, as the engine sees it", () => {
  it("changes with the VMs, in place", async () => {
    const { id, outs } = await create(roster("a", "b"));
    assert.equal(id, "home");
    assert.deepEqual(diff(id, outs, roster("b", "a")), { changes: false, replaces: [], deleteBeforeReplace: false });
    assert.deepEqual(diff(id, outs, roster("a")), { changes: true, replaces: [], deleteBeforeReplace: false });
  });

  it("asks no host when VMs only come", async () => {
    const { id, outs } = await create(roster("a"));
    assert.deepEqual((await update(id, outs, roster("a", "b"))).outs, { schemaVersion: 1, ...roster("a", "b") });
  });

  it("refuses in check, so in previews, a VM that would be of another type of cluster", () => {
    const other = { site: "home", machines: { a: { ...machine("a"), type: "k3s", cluster: "web" } } };
    const { failures } = check(roster("a", "b"), other);
    assert.equal(failures.length, 1);
    assert.match(failures[0]?.reason ?? "", /cluster web would be of type k3s and its VMs keep their names \(a\)/);
    assert.deepEqual(check({}, other).failures, []);
  });
});
