import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { until } from "../../tools/lib/until.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { ed25519Key } from "../site/shelf.ts";
import { controllerAlone, emptyLocalSite } from "./sites.ts";
import { placeImage, startTrial, type Trial } from "./trial.ts";

const cluster = controllerAlone("physics", "10.213.5");
const tower = `  tower: { model: pc, address: 10.213.5.9, hostKey: ${ed25519Key()}, cores: 2, memory: 4GiB, accelerator: tcg }
`;

/** Real runs of the real engine: on a host that was there, and is gone. */
describe("a host that is gone for good", () => {
  let machine: PrivateMachine;
  let trial: Trial;
  let site = "";
  const up = () => trial.bramble("up", "--stack", "box", "--yes", "--skip-preview");
  const succeed = async (work: ReturnType<Trial["bramble"]>) => {
    const { code, stdout, stderr } = await work;
    equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };
  /** Another machine has its place; nobody answers there. */
  const isLost = () =>
    site.replace(
      / {2}box: .*\n/,
      (box) => `${box.replace("model: pc,", "model: pc, lost: unplugged by Ann,")}${tower}`,
    );
  const emptied = () => isLost().replace(cluster, "").replace(tower, "");

  /** The site with the word by which the guard lets its change pass. */
  const allowed = async (text: string, because: string) => {
    await trial.write("box.yaml", text);
    const { stdout } = await trial.bramble("preview", "--stack", "box");
    const [, word] = /allow: \{ data-lost: \{ plan: (p[0-9a-f]{8})/.exec(stdout) ?? [];
    ok(word, stdout);
    return `${text}allow: { data-lost: { plan: ${word}, because: ${because} } }\n`;
  };

  before(async () => {
    machine = await startPrivateMachine({ name: "gone" });
    for (const daemon of ["virtlogd", "libvirtd"])
      equal((await machine.run([`/usr/sbin/${daemon}`, "--daemon"])).code, 0);
    const answers = async () => (await machine.run(["virsh", "-c", "qemu:///system", "uri"])).code === 0;
    await until("libvirt", answers, { deadline: 60_000 });
    trial = await startTrial((command) => machine.inside(command));
    await placeImage(trial, 2 ** 20);
    site = `${emptyLocalSite(join(trial.folder, "pool")).replace("mode: isolated", "gateway: 10.213.5.1")}${cluster}`;
    await trial.makeStack("box", site);
    const { code, stdout } = await up(); // the image's kernel is none, so there is no such bridge either: the VM is all there but does not start
    equal(code, 1);
    match(stdout, /Domain \(physics-controller\):\s+error: /);
    equal((await machine.run(["sh", "-c", "kill $(cat /run/libvirtd.pid)"])).code, 0);
    await until("libvirt's end", async () => !(await answers()), { deadline: 30_000 });
  });
  after(async () => {
    await machine?.stop();
    await trial?.remove();
  });

  it("can't be taken out of the site without a word, since it may still run", async () => {
    const nas = "  nas: { model: pc, role: worker, memory: 1GiB, connect: local }\n";
    const without = site.replace(cluster, "").replace(/ {2}box: .*\n/, nas);
    const state = join(trial.folder, "state.json");
    await succeed(trial.pulumi("stack", "export", "--stack", "box", "--file", state));
    await trial.write("box.yaml", await allowed(without, "nobody needs its data"));
    const { code, stdout } = await up();
    equal(code, 1);
    match(stdout, /cannot be reached/);
    // As if nobody had tried: what comes next is compared with a site that still has the cluster.
    await succeed(trial.pulumi("stack", "import", "--stack", "box", "--file", state));
  });

  it("is not replaced while it had a controller's only data, which is said before anything is done", async () => {
    await trial.write("box.yaml", isLost());
    const { code, stdout, stderr } = await trial.bramble("preview", "--stack", "box");
    equal(code, 1);
    match(stderr + stdout, /data-lost\s+box has its VMs' disks for itself: .*\n.*disposable: true/);
    match(
      stdout,
      /box {2}data-lost {2}physics-controller has its data disk of 8GiB at box:.* another of 8GiB at tower:/,
    );
    await trial.write("box.yaml", await allowed(isLost(), "the disk is copied"));
    match(await succeed(trial.bramble("preview", "--stack", "box")), /Volume\s+physics-controller\/data\s+replace/);
    await trial.write("box.yaml", isLost().replace("type: slurm", "type: slurm\n    disposable: true"));
    match(await succeed(trial.bramble("preview", "--stack", "box")), /Volume\s+physics-controller\/data\s+replace/);
  });

  it("is previewed with all that goes, and its connection that stays", async () => {
    await trial.write("box.yaml", await allowed(emptied(), "its host burnt"));
    const unprotect = ["state", "unprotect", "--all", "--yes", "--stack", "box"] as const;
    equal((await trial.pulumi(...unprotect)).code, 0);
    const preview = await succeed(trial.bramble("preview", "--stack", "box"));
    match(preview, /libvirt:index:Volume\s+box\/\S+\/kernel\s+delete/);
    match(preview, /pulumi:providers:libvirt\s+box\s+update/);
    doesNotMatch(preview, /replace/);
  });

  it("is not asked for anything when it is said to be lost", async () => {
    match(await succeed(up()), /deleted/);
    const { stdout } = await trial.pulumi("stack", "export", "--stack", "box");
    const resources: { type: string }[] = JSON.parse(stdout).deployment.resources;
    deepEqual(
      resources.map(({ type }) => type).filter((type) => type.startsWith("libvirt:")),
      [],
    );
    match(await succeed(trial.bramble("preview", "--stack", "box", "--expect-no-changes")), /unchanged/);
  });

  it("is forgotten when its board is taken out of the site afterwards", async () => {
    await succeed(trial.bramble("destroy", "--stack", "box", "--yes", "--skip-preview"));
  });
});
