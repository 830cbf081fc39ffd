import { deepEqual, equal, match, ok } from "node:assert/strict";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { until } from "../../tools/lib/until.ts";
import { isDoneBefore } from "../e2e/support/engine-events.ts";
import { type K3sSite, startK3sSite } from "../e2e/support/k3s-site.ts";
import { laterK3s, provideLaterK3s } from "../e2e/support/later-k3s.ts";
import { claim, pod } from "../e2e/support/pods.ts";
import { eachGoesOnFromTheLast, succeeds } from "../e2e/support/steps.ts";

const servers = ["web-server1", "web-server2", "web-server3"] as const;
/** How long the cluster may take to come to rest after something was done to it, in milliseconds. */
const rest = 600_000;

/** A cluster's life in VMs: one server, three, one of them gone for a while, a later release. */
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
    ok(isDoneBefore(up, "Command web-server2/k3s", "Command web-server3/k3s", /^(create|update)/));
    await web.voting(...servers);
    equal(await web.kubectl("get", "configmap", "kept", "--output", "jsonpath={.data.since}"), "sqlite");
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
    await web.voting(...servers);
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
    await web.voting(...servers);
    equal(
      await web.kubectl("get", "pod", "steady", "--output", "jsonpath={.status.containerStatuses[0].restartCount}"),
      "0",
    );
    match(await web.on("web-server1", "ls /var/lib/rancher/k3s/server/db/snapshots"), /before-v1\.35\.1-k3s1/);
    await web.nothingToDo();
  });

  /** Which servers hold the cluster's address. */
  async function holders(among: readonly string[] = servers): Promise<string[]> {
    const found: string[] = [];
    for (const name of among) {
      if ((await web.on(name, `ip -o -4 address show to ${web.endpoint}`)) !== "") found.push(name);
    }
    return found;
  }
});
