import assert from "node:assert/strict";
import { type Departure, departures, type RosterInputs, whyNotAfter } from "../../providers/roster/inputs.ts";
import { buildSite, isSecret, one } from "./build.ts";

const site = (physics: string, more = "") => `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
boards:
  pi1: { model: pi5, memory: 8GiB, serial: "10000000abcdef01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 512MiB }
    workers: { ${physics} }
${more}`;
const two = "n: { count: 2, memory: 512MiB, addresses: 10.20.0.101-10.20.0.104 }";
const one_ = two.replace("count: 2", "count: 1");
const chemistry = `  chemistry:
    type: slurm
    controller: { address: 10.20.0.110, memory: 512MiB }
    workers: { n: { count: 1, memory: 512MiB, addresses: 10.20.0.111-10.20.0.114 } }
`;

describe("the roster of a site", () => {
  const rosterOf = async (text: string) =>
    one(await buildSite(text), "pulumi-nodejs:dynamic/bramble:Roster", "home") as unknown as RosterInputs;
  const names = (leaving: readonly (readonly (readonly Departure[])[])[]) =>
    leaving.map((turns) => turns.map((turn) => turn.map(({ name }) => name)));

  it("lets nobody leave where nobody is missing", async () => {
    const roster = await rosterOf(site(two));
    assert.deepEqual(departures(roster, await rosterOf(site(two, chemistry))), []);
    assert.deepEqual(departures(roster, roster), []);
  });

  it("lets the workers of a cluster leave together, and its controller after them", async () => {
    const before = await rosterOf(site(two, chemistry));
    assert.deepEqual(names(departures(before, await rosterOf(site(one_, chemistry)))), [[["physics-n2"]]]);
    const after = { ...before, machines: {} };
    assert.deepEqual(names(departures(before, after)), [
      [["chemistry-n1"], ["chemistry-controller"]],
      [["physics-n1", "physics-n2"], ["physics-controller"]],
    ]);
  });

  it("tells how a worker leaves as its own step is told, and holds no key", async () => {
    const registered = await buildSite(site(two));
    const { machines } = one(registered, "pulumi-nodejs:dynamic/bramble:Roster", "home") as unknown as RosterInputs;
    const { environment } = one(registered, "command:local:Command", "physics-n2/slurm");
    const told = (isSecret(environment) ? environment.value : environment) as Record<string, unknown>;
    const leave = machines["physics-n2"]?.leave;
    assert.equal(leave?.step, "slurm-worker");
    assert.deepEqual(
      [leave?.show.guest, leave?.show.controller, leave?.show.places, leave?.show.patience, leave?.show.machine],
      [told.BRAMBLE_GUEST, told.BRAMBLE_CONTROLLER, told.BRAMBLE_PLACES, told.BRAMBLE_PATIENCE, told.BRAMBLE_MACHINE],
    );
    assert.ok(told.BRAMBLE_MACHINE !== undefined);
    assert.equal(machines["physics-controller"]?.leave, undefined);
    assert.doesNotMatch(JSON.stringify(machines), /PRIVATE KEY/);
  });

  it("refuses a cluster of another type whose VMs would be called as the old ones are", async () => {
    const before = await rosterOf(site(two));
    const renamed = Object.entries(before.machines).map(([name, machine]) => [name, { ...machine, type: "k3s" }]);
    const after: RosterInputs = { ...before, machines: Object.fromEntries(renamed) };
    assert.match(
      String(whyNotAfter(before, after)),
      /cluster physics would be of type k3s .*give the new cluster another name/s,
    );
    assert.equal(whyNotAfter(before, before), undefined);
  });
});
