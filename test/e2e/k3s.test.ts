import { deepEqual, equal, match } from "node:assert/strict";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { claim, type K3sSite, pod, startK3sSite } from "../e2e/support/k3s-site.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "../e2e/support/steps.ts";

/** The least that a cluster is for, in VMs; what becomes of one later is in k3s.test.ts. */
describe("a k3s cluster", () => {
  let web: K3sSite;

  before(async () => {
    web = await startK3sSite("solo");
    await web.describe({ servers: 1, disposable: true });
  });

  eachGoesOnFromTheLast();

  after(() => web?.stop());

  it("comes up by one `up`, with a server and an agent, and a second one has nothing to do", async () => {
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
    equal((await tryRun(["ping", "-c1", "-W1", web.endpoint])).code, 1);
  });
});
