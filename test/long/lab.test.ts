import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureImage } from "../../tools/image/ensure.ts";
import { virshNames } from "../../tools/lab/host/virsh.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { setup } from "../../tools/setup/setup.ts";
import { type Checkout, makeCheckout } from "../e2e/support/checkout.ts";
import { killWhen, traces } from "../e2e/support/lab.ts";
import { greeter, visitor } from "../e2e/support/pods.ts";
import { type Runner, runnerOn } from "../e2e/support/site.ts";

/** The lab from nothing to nothing, as a user goes through it: one lab, each step going on from the last. */
describe("the lab with both of its clusters", function () {
  this.bail(true); // each step goes on from the last
  let checkout: Checkout;
  let runner: Runner;
  let logs: string;
  let untouched: string[];

  before(async () => {
    await setup({});
    await ensureImage();
    untouched = await traces();
    checkout = await makeCheckout({ PULUMI_DEBUG_COMMANDS: "true", BRAMBLE_STACK: "lab" });
    logs = await mkdtemp(join(tmpdir(), "bramble-lab-logs-"));
    runner = runnerOn(checkout, logs);
    const site = join(checkout.folder, "stacks/lab.yaml");
    // A drain that times out is part of what is tried; half an hour of it is not.
    const text = await readFile(site, "utf8");
    await writeFile(site, text.replace("    disposable: true", "    disposable: true\n    drain: { timeout: 60s }"));
  });

  after(async () => {
    const { code, output } = await checkout.bramble(["lab", "down"]);
    assert.equal(code, 0, output); // then what is left is still known to the checkout
    await checkout.remove();
    await rm(logs, { recursive: true, force: true });
  });

  /** Runs a script as root on one of the lab's machines; its output, or an error with what it said. */
  const on = async (machine: string, script: string): Promise<string> => {
    const { code, stdout, stderr } = await checkout.bramble(["lab", "ssh", machine, "--", script]);
    assert.equal(code, 0, `${machine}: ${script}: ${stderr}`);
    return stdout.trim();
  };
  /** What kubectl prints on the server of the k3s cluster. */
  const kubectl = (words: string): Promise<string> =>
    on(
      "web-server1",
      `PATH=/usr/local/lib/bramble-k3s/current/bin:$PATH kubectl --kubeconfig /etc/rancher/k3s/k3s.yaml ${words}`,
    );
  const create = (...resources: object[]) =>
    kubectl(`create -f - <<'EOF'\n${resources.map((resource) => JSON.stringify(resource)).join("\n")}\nEOF`);
  /** Writes into the site file how many agents the k3s cluster has. */
  const agents = async (count: number): Promise<void> => {
    const site = join(checkout.folder, "stacks/lab.yaml");
    const text = await readFile(site, "utf8");
    const changed = text.replace(/(agents:\n +n: \{ count: )\d/, `$1${count}`);
    assert.notEqual(changed, text);
    await writeFile(site, changed);
  };
  /** When each daemon of Slurm was started, by systemd's own word; and when each machine was. */
  const starts = async (...machines: string[]) =>
    Object.fromEntries(
      await Promise.all(
        machines.map(async (machine) => [
          machine,
          await on(
            machine,
            "cat /proc/sys/kernel/random/boot_id; systemctl show -P ActiveEnterTimestamp slurmctld slurmd munge",
          ),
        ]),
      ),
    );
  const submit = async (node: string, what: string): Promise<string> =>
    (await on("hpc-controller", `runuser -l demo -c "sbatch --parsable -w ${node} --wrap '${what}'"`)).split(";")[0] ??
    "";
  const jobState = (job: string) =>
    on("hpc-controller", `scontrol show job ${job} --oneliner | grep -o 'JobState=[A-Z]*'`);

  it("comes up by one command, and a job answers from two nodes, and a pod from an agent", async () => {
    const { code, output } = await checkout.bramble(["lab"]);
    assert.equal(code, 0, output);
    assert.match(output, /\$ srun -N2 hostname.*\nhpc-n1\nhpc-n2\n/);
    assert.match(output, /\$ kubectl logs hello.*\na pod on web-n1\n/);
  });

  it("has nothing to do when it is brought up again", async () => {
    const preview = await runner.operate("preview");
    assert.equal(preview.code, 0, preview.output);
    assert.deepEqual(preview.steps, []);
    const up = await runner.operate("up");
    assert.equal(up.code, 0, up.output);
    assert.deepEqual(up.steps, []);
  });

  it("has a name server and a load balancer for pods: a Service answers by its name", async () => {
    await create(...greeter("web-n1"));
    await kubectl("wait --for=condition=Available deployment/greeter --timeout=180s");
    // On the server, so that what it asks goes from node to node.
    await create(visitor("web-server1"));
    await kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/visitor --timeout=180s");
    assert.equal(await kubectl("logs visitor"), "hello from web-n1");
  });

  it("hands out a kubeconfig on demand, and keeps none", async () => {
    const { code, stdout } = await checkout.bramble(["kubeconfig", "web", "--stack", "lab"]);
    assert.equal(code, 0);
    const file = join(logs, "kubeconfig");
    await writeFile(file, stdout, { mode: 0o600 });
    assert.match(stdout, /server: https:\/\/10\.\d+\.\d+\.20:6443/);
    const ca = /certificate-authority-data: (\S+)/.exec(stdout)?.[1] ?? "";
    const [, server = ""] = /server: (\S+)/.exec(stdout) ?? [];
    const caFile = join(logs, "ca.crt");
    await writeFile(caFile, Buffer.from(ca, "base64"));
    const asked = await tryRun(["curl", "--silent", "--fail", "--cacert", caFile, `${server}/ping`]);
    assert.equal(asked.stdout, "pong", asked.stderr);
    assert.doesNotMatch(await readFile(file, "utf8"), /127\.0\.0\.1/);
  });

  it("moves an agent's place to Slurm by one change that was killed in the middle, and no job or daemon notices", async () => {
    const old = await starts("hpc-controller", "hpc-n1", "hpc-n2");
    await agents(0);
    const job = await submit("hpc-n1", "sleep 600");
    await until("the job's start", async () => (await jobState(job)) === "JobState=RUNNING", {
      deadline: 60_000,
      every: 500,
    });

    await killWhen(checkout, ["lab", "--workers", "3"], /Domain hpc-n3 creating/);
    // What is new starts when what it takes the place of has gone.
    assert.ok(!(await virshNames("list", "--all")).includes("lab-web-n1"));
    assert.equal(await kubectl("get nodes --output name"), "node/web-server1");
    const again = await checkout.bramble(["lab", "--workers", "3"]);
    assert.equal(again.code, 0, again.output);
    assert.match(again.output, /The workers run other jobs/);
    assert.doesNotMatch(again.output, /pending operations/);
    assert.deepEqual((await runner.operate("preview")).steps, []);

    assert.deepEqual(await starts("hpc-controller", "hpc-n1", "hpc-n2"), old);
    assert.equal(await jobState(job), "JobState=RUNNING");
    await on("hpc-controller", `scancel ${job}`);
    // The pod of the deployment was moved.
    await kubectl("wait --for=condition=Available deployment/greeter --timeout=180s");
    assert.equal(
      await kubectl("get pods --selector app=greeter --output jsonpath={.items[*].spec.nodeName}"),
      "web-server1",
    );
  });

  it("moves it back, drains the worker before it removes it, and its job ends well", async () => {
    const old = await starts("hpc-controller", "hpc-n1", "hpc-n2");
    const job = await submit("hpc-n3", "sleep 15; hostname > done");
    await until("the job's start", async () => (await jobState(job)) === "JobState=RUNNING", {
      deadline: 60_000,
      every: 500,
    });
    await agents(1);
    const { code, output } = await checkout.bramble(["lab", "--workers", "2"]);
    assert.equal(code, 0, output);
    assert.match(output, /a pod on web-n1\n/);
    assert.equal(await jobState(job), "JobState=COMPLETED");
    assert.equal(await on("hpc-controller", "cat /home/demo/done"), "hpc-n3");
    assert.doesNotMatch(await on("hpc-controller", "sinfo --noheader --Node"), /hpc-n3/);
    assert.ok(!(await virshNames("list", "--all")).includes("lab-hpc-n3"));
    assert.deepEqual(await starts("hpc-controller", "hpc-n1", "hpc-n2"), old);
  });

  it("goes away without a trace", async () => {
    const { code, output } = await checkout.bramble(["lab", "down"]);
    assert.equal(code, 0, output);
    assert.deepEqual(await traces(), untouched);
    assert.ok(!existsSync(join(checkout.folder, "stacks/Pulumi.lab.yaml")));
    assert.ok(!existsSync(join(checkout.folder, ".bramble/ssh/lab")));
    assert.match((await checkout.bramble(["lab", "status"])).output, /There is no lab/);
  });
});
