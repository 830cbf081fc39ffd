import { deepEqual, equal, match } from "node:assert/strict";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { type K3sSite, startK3sSite } from "./support/k3s-site.ts";
import { claim, greeter, pod, visitor } from "./support/pods.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "./support/steps.ts";

/** The least that a cluster is for, in VMs; what becomes of one later is in test/long. */
describe("a k3s cluster", () => {
  let web: K3sSite;

  before(async () => {
    web = await startK3sSite("solo");
    await web.describe({ servers: 1, disposable: true });
  });

  eachGoesOnFromTheLast();

  after(() => web?.stop());

  it("comes up with a server and an agent by an `up` that was killed at each, and then has nothing to do", async () => {
    for (const node of ["web-server1", "web-n1"]) await web.upKilledAt(`Command ${node}/k3s creating`);
    await succeeds(web.site.operate("up"));
    const kubeconfig = await web.fetchKubeconfig();
    match(kubeconfig, new RegExp(`server: https://${web.endpoint}:6443`));
    deepEqual(await web.nodes(), { "web-n1": sourceVersion, "web-server1": sourceVersion });
    await web.nothingToDo();
  });

  it("gives pods volumes on NFS and a name server: what one writes, another reads on another node", async () => {
    await web.create(claim, pod("writer", "web-n1", "nslookup kubernetes.default.svc.cluster.local >/data/letter"));
    await web.ended("writer");
    await web.create(pod("reader", "web-server1", "cat /data/letter"));
    await web.ended("reader");
    match(await web.kubectl("logs", "reader"), /Name:\s+kubernetes\.default\.svc\.cluster\.local/);
  });

  it("has a load balancer for pods: a Service answers on another node than its pod's, by its name", async () => {
    await web.create(...greeter("web-n1"));
    await web.kubectl("wait", "--for=condition=Available", "deployment/greeter", "--timeout=300s");
    await web.create(visitor("web-server1"));
    await web.ended("visitor");
    equal(await web.kubectl("logs", "visitor"), "hello from web-n1");
  });

  it("moves the pods of an agent that leaves, before its VM goes", async () => {
    await web.describe({ servers: 1, agents: 0, disposable: true });
    const up = await succeeds(web.site.operate("up"));
    match(up.output, /web-n1 is drained and has left the cluster[\s\S]*web-n1 is gone from tower/);
    deepEqual(await domains(web.host), ["solo-web-server1"]);
    deepEqual(await web.nodes(), { "web-server1": sourceVersion });
    await web.kubectl("wait", "--for=condition=Available", "deployment/greeter", "--timeout=300s");
    const place = ["--selector", "app=greeter", "--output", "jsonpath={.items[*].spec.nodeName}"];
    equal(await web.kubectl("get", "pods", ...place), "web-server1");
  });

  it("gives no kubeconfig while no server answers, and says why", async () => {
    await web.host.virsh("suspend", "solo-web-server1");
    const { code, stdout, stderr } = await web.site.bramble(["kubeconfig", "web"]);
    equal(`${code} ${stdout}`, "1 ", stderr);
    await web.host.virsh("resume", "solo-web-server1");
    match(stderr, /^No server of web answers, so there is no kubeconfig to be had:\n {2}web-server1: /);
  });

  it("goes away with `destroy`, and leaves the volumes' files to their owner", async () => {
    await succeeds(web.site.operate("destroy"));
    deepEqual(await domains(web.host), []);
    match(await web.nas.run("cat /srv/bramble/storage/pods/web/*/letter"), /kubernetes/);
    deepEqual(await web.site.state(), []);
  });
});
