import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureImage } from "../../tools/image/ensure.ts";
import { tryVirsh, virshNames } from "../../tools/lab/host/virsh.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { setup } from "../../tools/setup/setup.ts";
import { type Checkout, makeCheckout } from "./support/checkout.ts";
import { killWhen, traces } from "./support/lab.ts";
import { type Runner, runnerOn } from "./support/site.ts";

/** The lab from nothing to nothing, as a user goes through it: one lab, each step going on from the last. */
describe("the lab", function () {
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
    await writeFile(site, text.replace("    disposable: true", "    disposable: true\n    drain: { timeout: 30s }"));
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

  it("comes up by one command, and a job answers from two nodes", async () => {
    const { code, output } = await checkout.bramble(["lab", "--no-k3s"]);
    assert.equal(code, 0, output);
    assert.match(output, /\$ srun -N2 hostname.*\nhpc-n1\nhpc-n2\n/);
  });

  it("has nothing to do when it is brought up again", async () => {
    const preview = await runner.operate("preview");
    assert.equal(preview.code, 0, preview.output);
    assert.deepEqual(preview.steps, []);
    const up = await runner.operate("up");
    assert.equal(up.code, 0, up.output);
    assert.deepEqual(up.steps, []);
  });

  it("accepts on one node what munge made on another", async () => {
    const credential = await on("hpc-controller", "munge --no-input");
    assert.match(await on("hpc-n2", `echo '${credential}' | unmunge | grep STATUS`), /Success/);
  });

  it("shows a user the same home on every node, under the same uid", async () => {
    await on("hpc-n1", "runuser -l demo -c 'id -u > from-n1'");
    assert.equal(await on("hpc-n2", "runuser -l demo -c 'cat from-n1; id -u'"), "2000\n2000");
  });

  it("keeps disks and seeds from other users of the host", async () => {
    const readable = globSync("/var/lib/libvirt/bramble/lab-*/hpc-*");
    assert.ok(readable.length >= 7, readable.join(" "));
    for (const file of readable) {
      const { code } = await tryRun([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "head",
        "-c1",
        file,
      ]);
      assert.notEqual(code, 0, `${file} can be read by anybody`);
    }
  });

  it("is left alone by a lab of another checkout", async () => {
    const other = await makeCheckout();
    const { code, output } = await other.bramble(["lab", "--no-k3s"]);
    await other.remove();
    assert.equal(code, 1);
    assert.match(output, /Another lab is on this machine/);
  });

  it("takes up a new worker after an `up` that was killed in the middle, and no job or daemon notices", async () => {
    const old = await starts("hpc-controller", "hpc-n1", "hpc-n2");
    const job = await submit("hpc-n1", "sleep 600");
    await until("the job's start", async () => (await jobState(job)) === "JobState=RUNNING", {
      deadline: 60_000,
      every: 500,
    });

    await killWhen(checkout, ["lab", "--no-k3s", "--workers", "3"], /Domain hpc-n3 creating/);
    const again = await checkout.bramble(["lab", "--no-k3s", "--workers", "3"]);
    assert.equal(again.code, 0, again.output);
    assert.match(again.output, /The workers run other jobs/);
    assert.doesNotMatch(again.output, /pending operations/);
    assert.deepEqual((await runner.operate("preview")).steps, []);

    assert.deepEqual(await starts("hpc-controller", "hpc-n1", "hpc-n2"), old);
    assert.equal(await jobState(job), "JobState=RUNNING");
    await on("hpc-controller", `scancel ${job}`);
  });

  it("drains a worker before it removes it, and its job ends well", async () => {
    const old = await starts("hpc-controller", "hpc-n1", "hpc-n2");
    const job = await submit("hpc-n3", "sleep 15; hostname > done");
    await until("the job's start", async () => (await jobState(job)) === "JobState=RUNNING", {
      deadline: 60_000,
      every: 500,
    });
    const { code, output } = await checkout.bramble(["lab", "--no-k3s", "--workers", "2"]);
    assert.equal(code, 0, output);
    assert.equal(await jobState(job), "JobState=COMPLETED");
    assert.equal(await on("hpc-controller", "cat /home/demo/done"), "hpc-n3");
    assert.doesNotMatch(await on("hpc-controller", "sinfo --noheader --Node"), /hpc-n3/);
    assert.ok(!(await virshNames("list", "--all")).includes("lab-hpc-n3"));
    assert.deepEqual(await starts("hpc-controller", "hpc-n1", "hpc-n2"), old);
  });

  it("deletes nothing when a drain takes too long, and puts the worker back to work", async () => {
    const job = await submit("hpc-n2", "sleep 1000");
    await until("the job's start", async () => (await jobState(job)) === "JobState=RUNNING", {
      deadline: 60_000,
      every: 500,
    });
    const { code, output } = await checkout.bramble(["lab", "--no-k3s", "--workers", "1"]);
    assert.notEqual(code, 0);
    assert.match(output, /hpc-n2 still runs jobs after 30 s \(drain\.timeout\)/);
    assert.equal(await jobState(job), "JobState=RUNNING");
    assert.match(
      await on("hpc-controller", "sinfo --noheader --Node --nodes hpc-n2 --format %T"),
      /^(mixed|allocated)$/,
    );
    await on("hpc-controller", `scancel ${job}`);
    assert.equal((await checkout.bramble(["lab", "--no-k3s"])).code, 0);
    assert.deepEqual((await runner.operate("preview")).steps, []);
  });

  it("starts again what was switched off", async () => {
    await tryVirsh("destroy", "lab-hpc-n1");
    const { code, output } = await checkout.bramble(["lab", "--no-k3s"]);
    assert.equal(code, 0, output);
    assert.match(output, /started lab-hpc-n1, which was off/);
    assert.match(output, /hpc-n1\nhpc-n2\n/);
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
