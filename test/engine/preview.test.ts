import { doesNotMatch, equal, match } from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { givenAway, secretsOf } from "./secrets-of.ts";
import { smallSite } from "./sites.ts";
import { startTrial, type Trial } from "./trial.ts";

/** An engine's id that is not known before it is made. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const controllerStep =
  "urn:pulumi:home::bramble::bramble:index:Site$bramble:index:SlurmCluster$command:local:Command::physics-controller/slurm";

interface Step {
  readonly op: string;
  readonly newState: { urn: string; custom?: boolean; id?: string; inputs: object; outputs?: object };
}

describe("a preview, with the real engine", () => {
  let trial: Trial;
  let secrets: ReadonlyMap<string, string>;
  let steps: Step[];

  before(async () => {
    // Loopback, over which the parts of the engine talk, and no other network.
    const alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] as const;
    trial = await startTrial((command) => [...alone, ...command]);
    await trial.makeStack("home", smallSite);
    const { stdout } = await trial.bramble("secret", "show", "--stack", "home");
    secrets = secretsOf("home", smallSite, stdout.trim());
    equal(givenAway(secrets, stdout).includes("the site secret"), true);
  });
  after(() => trial?.remove());

  it("is exact without network, hosts and guest image, and shows what is rendered but no secret", async () => {
    const { code, stdout, stderr } = await trial.bramble("preview", "--stack", "home", "--json");
    equal(code, 0, stderr + stdout);
    const preview: { steps: Step[] } = JSON.parse(stdout);
    steps = preview.steps;
    equal(
      steps.every(({ op }) => op === "create"),
      true,
    );
    // Ids of libvirt's are not known; everything that is rendered from the site is.
    const step = steps.find(({ newState }) => newState.urn === controllerStep);
    const environment = JSON.stringify(step?.newState.inputs);
    match(environment, /PartitionName=main Nodes=n Default=YES MaxTime=1440/);
    match(environment, /"BRAMBLE_MUNGE_KEY":"\[secret\]"/);
    doesNotMatch(environment.replace(/"triggers":\[[^\]]*\]/, ""), new RegExp(unknown));
    equal(givenAway(secrets, stdout + stderr).join(), "");
  });

  it("with --diff shows slurm.conf as it will be, and no secret", async () => {
    const { code, stdout, stderr } = await trial.bramble("preview", "--stack", "home", "--diff");
    equal(code, 0, stderr);
    match(stdout, /BRAMBLE_SLURM_CONF *: ".*ClusterName=physics.*PartitionName=main Nodes=n Default=YES MaxTime=1440/);
    match(stdout, /BRAMBLE_MUNGE_KEY *: \[secret\]/);
    equal(givenAway(secrets, stdout + stderr).join(), "");
  });

  it("shows the line of slurm.conf that a change of a partition changes", async () => {
    await pretendUp();
    await trial.write("home.yaml", smallSite.replace("maxTime: 24h", "maxTime: 30m"));
    const { stdout } = await trial.bramble("preview", "--stack", "home", "--diff", "--target", controllerStep);
    match(stdout, /- PartitionName=main .*MaxTime=1440 State=UP\n +\+ PartitionName=main .*MaxTime=30 State=UP/);
    await trial.write("home.yaml", smallSite);
  });

  it("leaves no secret in the stack's folder, state or clear text of the clone but the key files of mode 0600", async () => {
    const { stdout } = await trial.pulumi("stack", "export", "--stack", "home");
    match(stdout, /"secrets_providers"/);
    equal(givenAway(secrets, stdout).join(), "");
    for (const folder of ["stacks", ".bramble/state"]) {
      for (const entry of await readdir(join(trial.folder, folder), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        equal(givenAway(secrets, await readFile(path, "latin1")).join(), "", path);
      }
    }
    const { stdout: modes } = await trial.run(["sh", "-c", "stat -c '%a %n' .bramble/ssh/home/*"]);
    const names = ["deploy-key", "known_hosts", "lost"];
    equal(modes, names.map((name) => `600 .bramble/ssh/home/${name}\n`).join(""));
    equal(await readFile(join(trial.folder, ".bramble/ssh/home/lost"), "utf8"), "{}\n");
  });

  it("of an unreachable host is no problem, and `up` names the host, what to check, and no secret", async () => {
    await trial.write("reach.yaml", smallSite.replace(/clusters:[\s\S]*/, ""));
    await trial.makeStack("reach", smallSite.replace(/clusters:[\s\S]*/, ""));
    const { code, stdout, stderr } = await trial.pulumi("up", "--stack", "reach", "--yes", "--skip-preview");
    equal(code === 0, false);
    match(stdout, /libvirt on (tower|10\.20\.0\.5).*cannot be reached.*Check that/);
    equal(givenAway(secrets, stdout + stderr).join(), "");
  });

  /** Gives the stack the state that it has when all of the preview's steps were done, as far as remote steps go. */
  async function pretendUp(): Promise<void> {
    const known = JSON.parse(JSON.stringify(steps).replaceAll(unknown, "known")) as Step[];
    const provider = (name: string, instance: string, inputs: object) => ({
      urn: `urn:pulumi:home::bramble::pulumi:providers:${name}::${instance}`,
      type: `pulumi:providers:${name}`,
      custom: true,
      id: "known",
      inputs,
      outputs: inputs,
    });
    const providers = [
      provider("command", "default_0_9_2", { version: "0.9.2" }),
      provider("pulumi-nodejs", "default", {}),
    ];
    const made = known.map(({ newState }) =>
      newState.custom
        ? { ...newState, id: "known", outputs: { ...newState.inputs, stdout: "", stderr: "" } }
        : newState,
    );
    const [stack, ...rest] = made;
    const { stdout } = await trial.pulumi("stack", "export", "--stack", "home");
    const state = JSON.parse(stdout);
    state.deployment.resources = [stack, ...providers, ...rest];
    const file = join(trial.folder, "state.json");
    await trial.run(["tee", file], {}, { input: JSON.stringify(state) });
    const { code, stderr } = await trial.pulumi("stack", "import", "--stack", "home", "--file", file);
    equal(code, 0, stderr);
  }
});
