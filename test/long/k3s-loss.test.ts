import { deepEqual, equal, match, ok } from "node:assert/strict";
import { isDoneBefore } from "../e2e/support/engine-events.ts";
import { type K3sSite, startK3sSite } from "../e2e/support/k3s-site.ts";
import { claim, pod } from "../e2e/support/pods.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "../e2e/support/steps.ts";

/**
 * What a cluster loses and gets again, in VMs. It has its agent only beside a single server: with three of them, both of
 * two slow processors are busy already (bench/RESULTS.md).
 */
describe("a k3s cluster in VMs that loses nodes", () => {
  let web: K3sSite;

  before(async () => {
    web = await startK3sSite("loss");
  });

  eachGoesOnFromTheLast();

  after(() => web?.stop());

  it("begins with three servers, which join one after the other", async () => {
    await web.describe({ servers: 3, agents: 0 });
    const up = await succeeds(web.site.operate("up"));
    ok(isDoneBefore(up, "Command web-server1/k3s", "Command web-server2/k3s", /^create$/));
    ok(isDoneBefore(up, "Command web-server2/k3s", "Command web-server3/k3s", /^create$/));
    await web.fetchKubeconfig();
    await web.voting("web-server1", "web-server2", "web-server3");
    await web.kubectl("create", "configmap", "kept", "--from-literal=since=three");
  });

  it("replaces a server that is dead, which leaves etcd first and joins as a new member", async () => {
    const broken = "web-server3";
    await web.host.virsh("destroy", `loss-${broken}`);
    const up = await replaced(broken);
    ok(isDoneBefore(up, `Command ${broken}/k3s`, `Domain ${broken}`, /^create-replacement$/));
    await web.voting("web-server1", "web-server2", broken);
    await web.nothingToDo();
  });

  it("goes back to one server, one by one, and has what it had", async () => {
    await web.describe({ servers: 1, agents: 0 });
    const refused = await web.site.operate("up");
    match(refused.output, /quorum-lost/);
    const plan = /quorum-lost: \{ plan: (\w+)/.exec(refused.output)?.[1] ?? "";
    await web.describe({ servers: 1, agents: 0, allow: { "quorum-lost": { plan, because: "one is enough" } } });
    await web.upKilledAt("Roster loss updating");
    for (const part of ["Command web-server3/k3s", "Domain web-server3", "Volume web-server3"])
      await web.upKilledAt(`${part} deleting`);
    await succeeds(web.site.operate("up"));
    await web.voting("web-server1");
    equal(await web.kubectl("get", "configmap", "kept", "--output", "jsonpath={.data.since}"), "three");
    deepEqual(await domains(web.host), ["loss-web-server1"]);
  });

  it("has an agent again whose VM was deleted by hand with its disk, though the cluster still knows it", async () => {
    await web.describe({ servers: 1 });
    await succeeds(web.site.operate("up"));
    const vm = "loss-web-n1";
    await web.host.virsh("destroy", vm);
    await web.host.virsh("undefine", vm);
    const up = await replaced("web-n1");
    match(up.output, /web knows a web-n1 whose disks are gone/);
    await web.create(claim, pod("again", "web-n1", "echo here again"));
    await web.ended("again");
    await web.nothingToDo();
  });

  it("goes away when it is said to be disposable", async () => {
    match((await web.site.operate("destroy")).output, /Volume web-server1\/data/);
    deepEqual(await domains(web.host), ["loss-web-n1", "loss-web-server1"]);
    await web.describe({ servers: 1, disposable: true });
    await succeeds(web.site.operate("up"));
    await succeeds(web.site.operate("destroy"));
    deepEqual(await domains(web.host), []);
  });

  /** Has a VM made anew, with its system disk. */
  async function replaced(vm: string) {
    const urns = [await web.urnOf(`Domain ${vm}`), await web.urnOf(`Volume ${vm}`)];
    return await succeeds(
      web.site.operate(
        "up",
        urns.flatMap((urn) => ["--replace", urn]),
      ),
    );
  }
});
