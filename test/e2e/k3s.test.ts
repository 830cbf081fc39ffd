import { deepEqual, equal, match, ok } from "node:assert/strict";
import { sourceVersion } from "../../tools/k3s/programs.ts";
import { until } from "../../tools/lib/until.ts";
import { begunAt, doneAt } from "./support/engine-events.ts";
import { type K3sSite, rest, startK3sSite } from "./support/k3s-site.ts";
import { type LifecycleEvent, watchDomains } from "./support/lifecycle.ts";
import { claim, greeter, pod, visitor } from "./support/pods.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "./support/steps.ts";

const servers = ["web-server1", "web-server2", "web-server3"] as const;
const disposable = true;

/** The least that a cluster is for, in VMs and beside Slurm; what becomes of one later is in test/long. */
describe("a k3s cluster of three servers", () => {
  let web: K3sSite;
  let events: readonly LifecycleEvent[];

  before(async () => {
    web = await startK3sSite("trio");
    events = watchDomains(web.host);
    await web.describe({ servers: 3, workers: 1, disposable });
  });

  eachGoesOnFromTheLast();

  after(() => web?.stop());

  it("comes up server by server, with an agent, by an `up` that was killed on the way; then has nothing to do", async () => {
    await web.upKilledAt("Command web-server2/k3s creating");
    const up = await succeeds(web.site.operate("up"));
    ok(doneAt(up, "Command web-server2/k3s") < begunAt(up, "Command web-server3/k3s", /^create/));
    const kubeconfig = await web.fetchKubeconfig();
    match(kubeconfig, new RegExp(`server: https://${web.endpoint}:6443`));
    await web.voting(servers);
    deepEqual(await web.nodes(), Object.fromEntries(["web-n1", ...servers].map((name) => [name, sourceVersion])));
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

  it("gives an agent's place to Slurm by an `up` that was killed in the middle: its pods move, and a job goes on", async () => {
    const job = await submit("hpc-n1", "sleep 86400");
    await running(job);
    await web.describe({ servers: 3, agents: 0, workers: 2, disposable });
    await web.upKilledAt("Domain hpc-n2 creating");
    await succeeds(web.site.operate("up"));

    ok(gone("trio-web-n1") < made("trio-hpc-n2"), "it was gone before what takes its place was made");
    deepEqual(Object.keys(await web.nodes()), servers);
    await web.kubectl("wait", "--for=condition=Available", "deployment/greeter", "--timeout=300s");
    const places = ["--selector", "app=greeter", "--output", "jsonpath={.items[*].spec.nodeName}"];
    match(await web.kubectl("get", "pods", ...places), /^web-server[123]$/);
    await running(job);
    await onController(`scancel ${job}`);
  });

  it("gives it back when the worker's job has ended, and pods run there again", async () => {
    const job = await submit("hpc-n2", "until test -e go; do sleep 0.2; done; hostname > ended");
    await running(job);
    await web.describe({ servers: 3, workers: 1, disposable });
    let released: Promise<string> | undefined;
    const up = await web.site.operate("up", [], {
      onLine: (line) => {
        if (line.includes("hpc-n2 takes no more jobs")) released ??= onController("touch /home/demo/go");
      },
    });
    equal(up.code, 0, up.output);
    ok(released !== undefined, up.output);
    await released;
    equal(await onController("cat /home/demo/ended"), "hpc-n2");
    ok(gone("trio-hpc-n2") < made("trio-web-n1"), "it was gone before what takes its place was made");
    await web.create(pod("again", "web-n1", "cat /data/letter"));
    await web.ended("again");
    await web.nothingToDo();
  });

  it("answers at its address when the server that holds it is gone at a blow, and takes it back", async () => {
    const [holder = ""] = await web.holders(servers);
    const others = servers.filter((name) => name !== holder);
    await web.host.virsh("destroy", `trio-${holder}`);
    const writes = async () =>
      (await web.tryKubectl("create", "configmap", "without", `--from-literal=${holder}=gone`)).code === 0;
    await until("a write without that server", writes, { deadline: rest, every: 1000 });
    const [next = ""] = await web.holders(others);
    ok(others.some((name) => name === next));

    const isMissed = async () => !(await web.voters()).includes(holder);
    await until("the cluster to see that it is gone", isMissed, { deadline: rest, every: 5000 });
    await web.host.virsh("start", `trio-${holder}`);
    await web.voting(servers);
    await web.nothingToDo();
  });

  it("replaces a server that is dead, which leaves etcd first and joins as a new member", async () => {
    const broken = "web-server3";
    await web.host.virsh("destroy", `trio-${broken}`);
    const up = await web.replaced(broken);
    ok(doneAt(up, `Command ${broken}/k3s`) < begunAt(up, `Domain ${broken}`, /^create-replacement$/));
    await web.voting(servers);
    await web.nothingToDo();
  });

  it("gives no kubeconfig while no server answers, and says why", async () => {
    for (const server of servers) await web.host.virsh("suspend", `trio-${server}`);
    const { code, stdout, stderr } = await web.site.bramble(["kubeconfig", "web"]);
    for (const server of servers) await web.host.virsh("resume", `trio-${server}`);
    equal(`${code} ${stdout}`, "1 ", stderr);
    match(stderr, /^No server of web answers, so there is no kubeconfig to be had:\n( {2}web-server[123]: .*\n?){3}/);
  });

  it("goes away with `destroy`, and leaves the volumes' files to their owner", async () => {
    await succeeds(web.site.operate("destroy"));
    deepEqual(await domains(web.host), []);
    match(await web.nas.run("cat /srv/bramble/storage/pods/web/*/letter"), /kubernetes/);
    deepEqual(await web.site.state(), []);
  });

  const onController = (script: string) => web.on("hpc-controller", script);
  const submit = async (node: string, script: string) =>
    await onController(`runuser -l demo -c "sbatch --parsable -w ${node} --wrap '${script}'"`);
  const running = (job: string) =>
    until(
      `job ${job} to run`,
      async () => (await onController(`squeue --noheader --states R --format %i --jobs ${job}`)) === job,
      { deadline: 60_000 },
    );
  /** When the host's libvirt last said that of a domain. */
  const said = (domain: string, what: string): number => {
    const event = events.findLast((event) => event.domain === domain && event.what === what);
    ok(event !== undefined, `${domain}: ${what}`);
    return event.time;
  };
  const gone = (domain: string) => said(domain, "Undefined Removed");
  const made = (domain: string) => said(domain, "Defined Added");
});
