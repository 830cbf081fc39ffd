import { deepEqual, equal, match, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { until } from "../../tools/lib/until.ts";
import { begunAt, doneAt } from "../e2e/support/engine-events.ts";
import { type K3sSite, startK3sSite } from "../e2e/support/k3s-site.ts";
import { laterK3s, provideLaterK3s } from "../e2e/support/later-k3s.ts";
import { claim, pod } from "../e2e/support/pods.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "../e2e/support/steps.ts";

const servers = ["web-server1", "web-server2", "web-server3"] as const;
/** How long the cluster may take to come to rest after something was done to it, in milliseconds. */
const rest = 600_000;

/** A cluster's life in VMs: one server, three, a release later, a server lost and made again, one server. */
describe("a k3s cluster in VMs", () => {
  let web: K3sSite;

  before(async () => {
    await provideLaterK3s(projectRoot, new AbortController().signal, console.log);
    web = await startK3sSite("trio");
  });

  eachGoesOnFromTheLast();

  after(() => web?.stop());

  it("begins with one server and an agent, which join at the cluster's address", async () => {
    await web.describe({ servers: 1 });
    await succeeds(web.site.operate("up"));
    await web.fetchKubeconfig();
    deepEqual(await web.nodes(), { "web-n1": sourceVersion, "web-server1": sourceVersion });
    await web.kubectl("create", "configmap", "kept", "--from-literal=since=sqlite");
    await web.create(claim);
    await web.nothingToDo();
  });

  it("goes on as three servers with etcd, which join one after the other, and has what it had", async () => {
    await web.describe({ servers: 3 });
    await web.upKilledAt("Command web-server1/k3s updating");
    for (const part of ["Volume web-server2", "CloudinitDisk web-server2", "Domain web-server2"])
      await web.upKilledAt(`${part} creating`);
    for (const step of ["ready", "k3s-bundle", "k3s"]) await web.upKilledAt(`Command web-server2/${step} creating`);
    const up = await succeeds(web.site.operate("up"));
    ok(doneAt(up, "Command web-server2/k3s") < begunAt(up, "Command web-server3/k3s", /^(create|update)/));
    await voting(servers);
    equal(await since(), "sqlite");
    await web.nothingToDo();
  });

  it("answers at its address when the server that holds it is gone at a blow, and takes it back", async () => {
    const [holder = ""] = await holders();
    const others = servers.filter((name) => name !== holder);
    await web.host.virsh("destroy", `trio-${holder}`);
    const writes = async () =>
      (await web.tryKubectl("create", "configmap", "without", `--from-literal=${holder}=gone`)).code === 0;
    await until("a write without that server", writes, { deadline: rest, every: 1000 });
    const [next = ""] = await holders(others);
    ok(others.some((name) => name === next));

    const isMissed = async () => !(await web.voters()).includes(holder);
    await until("the cluster to see that it is gone", isMissed, { deadline: rest, every: 5000 });
    await web.host.virsh("start", `trio-${holder}`);
    await voting(servers);
    await web.nothingToDo();
  });

  it("is upgraded server by server, then the agent, by an `up` that is killed at each, and pods go on", async () => {
    await web.create(pod("steady", "web-n1", "exec sleep 86400"));
    await web.kubectl("wait", "--for=condition=Ready", "pod/steady", "--timeout=300s");
    await web.describe({ servers: 3, version: laterK3s });
    for (const server of servers) await web.upKilledAt(`Command ${server}/k3s updating`);
    await until("an answer", async () => (await web.tryKubectl("get", "nodes")).code === 0, {
      deadline: rest,
      every: 2000,
    });
    equal((await web.nodes())["web-server2"], laterK3s);
    equal((await web.nodes())["web-n1"], sourceVersion);
    await web.upKilledAt("Command web-n1/k3s updating");

    const up = await succeeds(web.site.operate("up"));
    deepEqual(
      up.steps.map(({ what }) => what),
      ["Command web-n1/k3s"],
    );
    deepEqual(await web.nodes(), Object.fromEntries(["web-n1", ...servers].map((name) => [name, laterK3s])));
    await voting(servers);
    equal(
      await web.kubectl("get", "pod", "steady", "--output", "jsonpath={.status.containerStatuses[0].restartCount}"),
      "0",
    );
    match(await web.on("web-server1", "ls /var/lib/rancher/k3s/server/db/snapshots"), /before-v1\.35\.1-k3s1/);
    await web.nothingToDo();
  });

  it("replaces a server that is dead, which leaves etcd first and joins as a new member", async () => {
    const broken = "web-server3";
    await web.host.virsh("destroy", `trio-${broken}`);
    const up = await replaced(broken);
    const left = doneAt(up, `Command ${broken}/k3s`);
    ok(left < begunAt(up, `Domain ${broken}`, /^create-replacement$/));
    await voting(servers);
    await web.nothingToDo();
  });

  it("has an agent again whose VM was deleted by hand with its disk, though the cluster still knows it", async () => {
    const vm = "trio-web-n1";
    await web.host.virsh("destroy", vm);
    await web.host.virsh("undefine", vm);
    const up = await replaced("web-n1");
    match(up.output, /web knows a web-n1 whose disks are gone/);
    await web.create(pod("again", "web-n1", "echo here again"));
    await web.ended("again");
    await web.nothingToDo();
  });

  it("goes back to one server, one by one, and has what it had", async () => {
    await web.describe({ servers: 1, version: laterK3s });
    const refused = await web.site.operate("up");
    match(refused.output, /quorum-lost/);
    const plan = /quorum-lost: \{ plan: (\w+)/.exec(refused.output)?.[1] ?? "";
    await web.describe({ servers: 1, version: laterK3s, allow: { "quorum-lost": { plan, because: "one is enough" } } });
    await web.upKilledAt("Roster trio updating");
    for (const part of ["Command web-server3/k3s", "Domain web-server3", "Volume web-server3"])
      await web.upKilledAt(`${part} deleting`);
    await succeeds(web.site.operate("up"));
    await voting(["web-server1"]);
    equal(await since(), "sqlite");
    deepEqual(await domains(web.host), ["trio-web-n1", "trio-web-server1"]);
  });

  it("goes away when it is said to be disposable", async () => {
    match((await web.site.operate("destroy")).output, /protect/);
    await web.describe({ servers: 1, version: laterK3s, disposable: true });
    await succeeds(web.site.operate("up"));
    await succeeds(web.site.operate("destroy"));
    deepEqual(await domains(web.host), []);
  });

  /** Has a VM made anew, with its system disk. */
  const replaced = async (vm: string) => {
    const urns = [await web.urnOf(`Domain ${vm}`), await web.urnOf(`Volume ${vm}`)];
    return await succeeds(
      web.site.operate(
        "up",
        urns.flatMap((urn) => ["--replace", urn]),
      ),
    );
  };
  /** On a busy processor k3s takes votes for gone now and then, for some seconds. */
  const voting = (names: readonly string[]) =>
    until(`the votes of ${names.join(", ")}`, async () => isDeepStrictEqual(await web.voters(), names), {
      ...{ deadline: rest, every: 5000 },
    });
  const since = () => web.kubectl("get", "configmap", "kept", "--output", "jsonpath={.data.since}");

  /** Which servers hold the cluster's address. */
  async function holders(among: readonly string[] = servers): Promise<string[]> {
    const found: string[] = [];
    for (const name of among) {
      if ((await web.on(name, `ip -o -4 address show to ${web.endpoint}`)) !== "") found.push(name);
    }
    return found;
  }
});
