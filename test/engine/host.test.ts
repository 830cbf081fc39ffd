import { deepEqual, doesNotMatch, equal, fail, match, ok } from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../tools/lib/until.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { givenAway, secretsOf } from "./secrets-of.ts";
import { controllerAlone, emptyLocalSite } from "./sites.ts";
import { placeImage, startTrial, type Trial } from "./trial.ts";

const MiB = 2 ** 20;

/** Real runs of the real engine on a real libvirt of their own. No VM boots here; test/e2e does that. */
describe("runs on a host", () => {
  let machine: PrivateMachine;
  let trial: Trial;
  const storage = () => join(trial.folder, "pool");
  const virsh = async (...args: string[]) => {
    const { code, stdout, stderr } = await machine.run(["virsh", "-q", "-c", "qemu:///system", ...args]);
    equal(code, 0, stderr);
    return stdout.trim();
  };
  const up = (stack: string) => trial.bramble("up", "--stack", stack, "--yes", "--skip-preview");
  const succeed = async (work: ReturnType<Trial["bramble"]>) => {
    const { code, stdout, stderr } = await work;
    equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };

  before(async () => {
    machine = await startPrivateMachine({ name: "faults" });
    for (const daemon of ["virtlogd", "libvirtd"])
      equal((await machine.run([`/usr/sbin/${daemon}`, "--daemon"])).code, 0);
    const answers = async () => (await machine.run(["virsh", "-c", "qemu:///system", "uri"])).code === 0;
    await until("libvirt", answers, { deadline: 60_000 });
    trial = await startTrial((command) => machine.inside(command));
    await trial.makeStack("box", emptyLocalSite(storage()));
  });
  beforeEach(() => placeImage(trial, 300 * MiB));
  after(async () => {
    await machine?.stop();
    await trial?.remove();
  });

  it("changes nothing in a preview, makes what is described, and sees no difference then", async () => {
    await succeed(trial.bramble("preview", "--stack", "box"));
    equal(await virsh("pool-list", "--all", "--name"), "");
    await succeed(up("box"));
    equal(await virsh("pool-list", "--all", "--name"), "bramble-box");
    match(await succeed(trial.bramble("preview", "--stack", "box", "--expect-no-changes")), /11 unchanged/);
    match(await succeed(up("box")), /11 unchanged/);
    await succeed(trial.bramble("destroy", "--stack", "box", "--yes", "--skip-preview"));
    equal((await virsh("pool-list", "--all", "--name")) + (await virsh("net-list", "--all", "--name")), "");
  });

  it("refuses a second run at once; after a killed one goes on by itself, and says so in two lines", async () => {
    await placeImage(trial, 3000 * MiB);
    const first = up("box");
    // Kernel and initrd may be done by then, or wait for it: libvirt takes one file at a time into a pool.
    const uploads = async () => {
      const file = join(trial.folder, ".bramble/state/.pulumi/stacks/bramble/box.json");
      const { latest } = JSON.parse(await readFile(file, "utf8")).checkpoint;
      const pending: { resource: { urn: string } }[] = latest?.pending_operations ?? [];
      return pending.some(({ resource }) => resource.urn.endsWith("/disk.qcow2"));
    };
    const seen = until("the upload of the image", uploads, { deadline: 300_000, every: 10 });
    await Promise.race([seen, first.then(({ stdout, stderr }) => fail(`up ended too early: ${stdout}${stderr}`))]);
    const second = await up("box");
    equal(second.code, 1);
    match(
      second.stderr,
      /Another run is at work on stack box: process \d+ of \w+, for \d+ seconds now\. .*Nothing was changed/,
    );

    const inside = Number(/process (\d+)/.exec(second.stderr)?.[1]);
    equal((await machine.run(["kill", "-KILL", String(inside)])).code, 0);
    const killed = await first;
    equal(killed.code, 1);
    match(killed.stderr, /The engine was ended by SIGKILL\. The same command goes on from here/);

    const said = await succeed(up("box"));
    match(said, new RegExp(`The run that held the lock on box since .* was killed \\(process ${inside}\\)`));
    const begun =
      /ended in the middle of (.*); what is missing of that is done again/.exec(said)?.[1]?.split(", ") ?? [];
    ok(
      begun.some((what) => /^creating Volume box\/.*\/disk\.qcow2$/.test(what)),
      said,
    );
    doesNotMatch(said, /warning|pulumi refresh/);
    match(said, new RegExp(`${begun.length} created\\n +${11 - begun.length} unchanged`));
    deepEqual(await readdir(join(trial.folder, ".bramble/state/.pulumi/locks/organization/bramble/box")), []);
    match(await succeed(up("box")), /11 unchanged/);
  });

  it("keeps every secret of the state encrypted when it drops what a killed run had begun", async () => {
    const cluster = `${controllerAlone("physics", "10.213.6")}    disposable: true\n`;
    const site = emptyLocalSite(storage(), "10.213.6.0/24") + cluster;
    await trial.makeStack("vm", site);
    const secret = (await succeed(trial.bramble("secret", "show", "--stack", "vm"))).trim();
    const secrets = secretsOf("vm", site, secret);
    const { code, stdout, stderr } = await up("vm"); // the image's kernel is none, so the VM can't start
    equal(code, 1);
    match(stdout, /Domain \(physics-controller\):\s+error: /);
    equal(givenAway(secrets, stdout + stderr).join(), "");

    const before = await succeed(trial.pulumi("stack", "export", "--stack", "vm"));
    match(before, /"userData": \{\s+"4dabf18193072939515e22adb298388d": "[0-9a-f]+",\s+"ciphertext": "v1:/);
    equal(givenAway(secrets, before).join(), "");
    const file = join(trial.folder, ".bramble/state/.pulumi/stacks/bramble/vm.json");
    const state = JSON.parse(await readFile(file, "utf8"));
    const { latest } = state.checkpoint;
    latest.pending_operations = [{ resource: latest.resources[0], type: "updating" }];
    await writeFile(file, JSON.stringify(state));
    match(await succeed(trial.bramble("destroy", "--stack", "vm", "--preview-only")), /middle of updating Stack/);

    const after = await succeed(trial.pulumi("stack", "export", "--stack", "vm"));
    equal(/pending_operations/.test(after), false);
    equal(givenAway(secrets, after).join(), "");
    match(after, /"userData": \{\s+"4dabf18193072939515e22adb298388d": "[0-9a-f]+",\s+"ciphertext": "v1:/);
    await succeed(trial.bramble("destroy", "--stack", "vm", "--yes", "--skip-preview"));
  });

  it("is not taken down without a preview while it has a disk with data, unless that is left out", async () => {
    await trial.makeStack("kept", emptyLocalSite(storage(), "10.213.8.0/24") + controllerAlone("maths", "10.213.8"));
    equal((await up("kept")).code, 1); // the image's kernel is none, so the VM can't start
    const exported = () => succeed(trial.pulumi("stack", "export", "--stack", "kept"));
    const before = await exported();
    const destroy = (...args: string[]) => trial.bramble("destroy", "--stack", "kept", "--yes", ...args);
    for (const unseen of ["--skip-preview", "-f"]) {
      const { code, stderr } = await destroy(unseen);
      equal(code, 1);
      match(stderr, /not marked as disposable:\n {2}Volume maths-controller\/data\n[\s\S]*Nothing was changed/);
    }
    equal((await destroy("--non-interactive")).code, 1);
    equal(await exported(), before);

    await succeed(destroy("--skip-preview", "--exclude-protected"));
    const { deployment } = JSON.parse(await exported());
    const left: { urn: string }[] = deployment.resources;
    ok(left.some(({ urn }) => urn.endsWith("::maths-controller/data")));
    equal(
      left.some(({ urn }) => /domain:Domain/.test(urn)),
      false,
    );
    await succeed(destroy("--skip-preview", "--ignore-protect"));
  });

  it("refuses a second site with the same network on the host, and leaves the first alone", async () => {
    await trial.makeStack("twin", emptyLocalSite(join(trial.folder, "pool2")));
    const { code, stdout } = await up("twin");
    equal(code, 1);
    match(
      stdout,
      /The range of this site's network bramble-twin \(10\.213\.5\.0\/24\) is used on .* by interface bv-.*Choose another network\.cidr/,
    );
    match(
      await succeed(trial.bramble("preview", "--stack", "box", "--refresh", "--expect-no-changes")),
      /11 unchanged/,
    );
    await succeed(trial.bramble("destroy", "--stack", "twin", "--yes", "--skip-preview"));
    equal(await virsh("net-list", "--all", "--name"), "bramble-box");
  });

  it("gets a site back with the secret from paper, after the passphrase was lost", async () => {
    const paper = (await succeed(trial.bramble("secret", "show", "--stack", "box"))).trim();
    const run = (...command: [string, ...string[]]) =>
      trial.run(command, { PULUMI_CONFIG_PASSPHRASE: "a new one" }, { input: paper });
    const bramble = (...args: string[]) => run("node", "tools/bramble.js", ...args);
    const forget = `eval "$(node tools/bramble.js env)" && pulumi stack rm box --force --yes --preserve-config`;
    await succeed(run("sh", "-c", `${forget} && rm stacks/Pulumi.box.yaml`));
    await succeed(bramble("secret", "restore", "--stack", "box"));
    match(await succeed(bramble("up", "--stack", "box", "--yes", "--skip-preview")), /11 created/);
    match(await succeed(bramble("destroy", "--stack", "box", "--yes", "--skip-preview")), /11 deleted/);
    equal((await virsh("pool-list", "--all", "--name")) + (await virsh("net-list", "--all", "--name")), "");
  });

  it("checks a host's disk before it writes to it, and says how much is missing", async () => {
    const small = join(trial.folder, "small");
    await machine.run(["mkdir", small]);
    equal((await machine.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", small])).code, 0);
    await trial.makeStack("full", emptyLocalSite(small, "10.213.7.0/24"));
    const { code, stdout } = await up("full");
    equal(code, 1);
    match(
      stdout,
      /pool bramble-full on .* has (1\d\d|200) MiB \(\d+ bytes\) free, and volume .* needs 300 MiB \(\d+ bytes\)/,
    );
    const { stdout: files } = await machine.run(["find", small, "-type", "f", "-size", "+64k"]);
    equal(files, "");
    await succeed(trial.bramble("destroy", "--stack", "full", "--yes", "--skip-preview"));
    equal((await machine.run(["find", small, "-mindepth", "1"])).stdout, "");
  });
});
