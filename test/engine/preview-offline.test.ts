import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../tools/lib/until.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { shareReleases } from "../doubles/shared-releases.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { bootSite, emptyLocalSite } from "./sites.ts";
import { placeImage, startTrial, type Trial } from "./trial.ts";

interface Step {
  readonly op: string;
  readonly urn: string;
  readonly detailedDiff?: object;
  readonly replaceReasons?: readonly string[];
  readonly newState?: { readonly inputs: object };
}

/** No way to anywhere, and no libvirt of this machine either. */
const offline = 'ip link set lo up && { [ ! -d /run/libvirt ] || mount -t tmpfs tmpfs /run/libvirt; } && exec "$@"';

/** A runner for pull requests: a preview there says what one beside the site says, to the last input. */
describe("a preview where neither the site nor artifacts are", () => {
  let machine: PrivateMachine;
  let trial: Trial;
  /** With loopback, over which the parts of the engine talk, and no other network. */
  let alone = false;

  const succeed = async (work: ReturnType<Trial["bramble"]>) => {
    const { code, stdout, stderr } = await work;
    equal(code, 0, stdout + stderr);
    return stdout;
  };
  /** What the engine would do, all of it but what differs between any two runs: when, and in which order siblings came. */
  const steps = async (stack: string): Promise<Step[]> => {
    const { steps }: { steps: Step[] } = JSON.parse(
      await succeed(trial.bramble("preview", "--stack", stack, "--json")),
    );
    const inOrder = steps.sort((a, b) => (a.urn + a.op < b.urn + b.op ? -1 : 1));
    return inOrder.map(({ op, urn, detailedDiff, replaceReasons, newState }) => ({
      op,
      urn,
      ...(detailedDiff && { detailedDiff }),
      ...(replaceReasons && { replaceReasons }),
      ...(newState && { newState: { inputs: newState.inputs } }),
    }));
  };
  const change = async (stack: string, from: string, to: string) => {
    const site = await readFile(join(trial.folder, "stacks", `${stack}.yaml`), "utf8");
    ok(site.includes(from));
    await trial.write(`${stack}.yaml`, site.replace(from, to));
  };

  before(async () => {
    machine = await startPrivateMachine({ name: "offline" });
    for (const daemon of ["virtlogd", "libvirtd"])
      equal((await machine.run([`/usr/sbin/${daemon}`, "--daemon"])).code, 0);
    const answers = async () => (await machine.run(["virsh", "-c", "qemu:///system", "uri"])).code === 0;
    await until("libvirt", answers, { deadline: 60_000 });
    trial = await startTrial((command) =>
      alone ? ["unshare", "--mount", "--net", "sh", "-c", offline, "sh", ...command] : machine.inside(command),
    );
    await placeImage(trial, 2 ** 20);
    await shareReleases(trial.folder);
    await pinBootArtifacts(trial, systemFiles(), boardPackages());
    await trial.makeStack("lab", await readFile(join(trial.folder, "stacks/lab.yaml"), "utf8"));
    await trial.makeStack("box", emptyLocalSite(join(trial.folder, "pool"), "10.213.7.0/24"));
    await trial.makeStack("boot", bootSite(join(trial.folder, "srv")));
    await succeed(trial.bramble("up", "--stack", "box", "--yes", "--skip-preview"));
    // 4: all is done, and the board is off.
    equal((await trial.bramble("up", "--stack", "boot", "--yes", "--skip-preview")).code, 4);
  });
  after(async () => {
    await machine?.stop();
    await trial?.remove();
  });

  it("has the same steps for the lab, for a host that is there, and for what boards boot", async () => {
    await change("box", "10.213.7.0/24", "10.213.8.0/24");
    await change("boot", "address: 198.51.100.11 }", "address: 198.51.100.11, settings: [arm_boost=1] }");
    const stacks = ["lab", "box", "boot"];
    const beside = new Map<string, Step[]>();
    for (const stack of stacks) beside.set(stack, await steps(stack));
    ok(beside.get("lab")?.every(({ op }) => op === "create"));
    ok(beside.get("box")?.some(({ op }) => op === "replace"));
    equal(beside.get("boot")?.filter(({ op }) => op === "update").length, 1);

    for (const folder of ["images", "artifacts", "ssh"])
      await rm(join(trial.folder, ".bramble", folder), { recursive: true, force: true });
    alone = true;
    equal(await succeed(trial.run(["ip", "route"])), "");
    for (const stack of stacks) deepEqual(await steps(stack), beside.get(stack), stack);
  });

  it("asks for no secret but the stack's passphrase", async () => {
    const without = await trial.run(["node", "tools/bramble.js", "preview", "--stack", "lab"], {
      PULUMI_CONFIG_PASSPHRASE: undefined,
    });
    equal(without.code, 1);
    match(without.stderr, /passphrase must be set/);
  });

  it("shows drift with --refresh where the site is in reach, and fails where it is not", async () => {
    await change("box", "10.213.8.0/24", "10.213.7.0/24");
    const drift = ["preview", "--stack", "box", "--refresh"] as const;
    const { code, stdout } = await trial.bramble(...drift);
    equal(code, 1);
    match(stdout, /cannot be reached/);
    alone = false;
    for (const act of ["net-destroy", "net-undefine"])
      equal((await machine.run(["virsh", "-c", "qemu:///system", act, "bramble-box"])).code, 0);
    await placeImage(trial, 2 ** 20);
    match(await succeed(trial.bramble(...drift)), /Network\s+\S+\s+create/);
  });
});
