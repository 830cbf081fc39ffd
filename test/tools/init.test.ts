import { equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { printProblems } from "../../site/problem.ts";
import { readSite } from "../../site/read.ts";
import { clusterKinds, siteText } from "../../tools/init/site-text.ts";
import { startTrial, type Trial } from "../engine/trial.ts";

const network = ["--cidr", "10.20.0.0/24", "--gateway", "10.20.0.1"];
const tower = ["--board", "tower model=pc connect=local cores=8 memory=32GiB"];
const pi = "pi1 model=pi5 memory=8GiB serial=10000000 mac=2c:cf:67:00:00:01 address=10.20.0.100";

describe("bramble init", () => {
  let trial: Trial;
  before(async () => {
    trial = await startTrial();
  });
  after(() => trial?.remove());

  const text = (name: string) => readFile(join(trial.folder, "stacks", `${name}.yaml`), "utf8");
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await trial.bramble("init", ...args);
    equal(code, 1, stdout + stderr);
    return stdout + stderr;
  };

  it("writes a site that is right, from flags alone, and ends with what comes next", async () => {
    const { code, stdout, stderr } = await trial.bramble(
      "init",
      "home",
      ...network,
      ...tower,
      "--board",
      pi,
      "--cluster",
      "slurm",
    );
    equal(code, 0, stderr);
    match(
      stdout,
      /^stacks\/home\.yaml is written\.\nhome: 2 hosts, 2 VMs, 1 cluster, 0 users\n[\s\S]*\n {2}npm run up\n$/,
    );
    equal(
      await text("home"),
      `# yaml-language-server: $schema=./site.schema.json
# Site home. docs/site.md explains every key.
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
  tower: { model: pc, connect: local, cores: 8, memory: 32GiB }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000", mac: "2c:cf:67:00:00:01", address: 10.20.0.100 }
clusters:
  slurm:
    type: slurm
    controller: { address: 10.20.0.101, memory: 1GiB }
    workers:
      n: { count: 1, memory: 3840MiB, addresses: 10.20.0.102-10.20.0.111, hosts: [ pi1 ] }
# Who uses it, with their public keys:
# users:
#   alice: { uid: 2001, keys: ["ssh-ed25519 AAAA… alice"] }
`,
    );
    equal((await trial.bramble("check", "stacks/home.yaml")).code, 0);
  });

  it("writes one that lies over another, which needs nothing else", async () => {
    equal((await trial.bramble("init", "staging", "--base", "example.yaml")).code, 0);
    match(await text("staging"), /^# .*\n# Site staging: what differs from example\.yaml\. .*\nbase: example\.yaml\n$/);
    match((await trial.bramble("check", "stacks/staging.yaml")).stdout, /^staging: 3 hosts, 5 VMs/);
    match(
      await refused("other", "--base", "exmaple.yaml"),
      /there is no exmaple\.yaml.*\n.*did you mean example\.yaml\?/,
    );
  });

  it("changes no file that is there", async () => {
    const before = await text("example");
    match(
      await refused("example", ...network, ...tower, "--cluster", "none"),
      /^stacks\/example\.yaml is there already/,
    );
    equal(await text("example"), before);
  });

  it("writes nothing when what was given is wrong, and shows it with its lines", async () => {
    const said = await refused(
      "wrong",
      ...network,
      "--board",
      "pi1 model=pi9 memory=8GB x=$(id)",
      "--cluster",
      "slurm",
    );
    match(said, /^stacks\/wrong\.yaml:5:17 {2}unknown-word [\s\S]*bad-size [\s\S]*unknown-key /);
    match(said, /Nothing was written\. [\s\S]*\n {3}5 {4}pi1: \{ model: pi9, memory: 8GB, x: \$\(id\) \}\n/);
    equal(existsSync(join(trial.folder, "stacks/wrong.yaml")), false);
    for (const name of ["../up", "A", "a/b", ""]) match(await refused(name, "--base", "example.yaml"), /is not a name/);
  });

  it("says which flags are needed where there is no terminal to ask on", async () => {
    match(
      await refused("quiet"),
      /no terminal to ask on[\s\S]*--cidr [\s\S]*--gateway [\s\S]*--board [\s\S]*--cluster slurm\|k3s\|none\n$/,
    );
    match(await refused("quiet", ...network, ...tower), /as well, or --base FILE:\n {2}--cluster slurm\|k3s\|none\n$/);
    match(await refused("quiet", "--board", "pi1 memory"), /"memory" is not KEY=VALUE/);
    equal((await trial.bramble("init", "quiet", "--cluster", "swarm")).code, 2);
  });

  it("asks for what is missing on a terminal, and again after an answer that is none", async () => {
    const answers = [
      "nonsense",
      "10.30.0.0/24",
      "",
      "pi1",
      "pi5",
      "",
      "10000000",
      "2c:cf:67:00:00:01",
      "10.30.0.11",
      "",
      "k3s",
    ];
    const { code, stdout } = await trial.run(
      ["script", "--quiet", "--return", "--command", "node tools/bramble.js init asked", "/dev/null"],
      {},
      { input: `${answers.join("\n")}\n` },
    );
    equal(code, 0, stdout);
    match(stdout, /"nonsense" is not an IPv4 network; write it as 10\.20\.0\.0\/24/);
    // A terminal ends lines with a carriage return, too.
    match(stdout, /To be done before the first preview:\r?\n.*version-not-pinned .*\r?\n.*artifacts update k3s-/);
    match(await text("asked"), /cidr: 10\.30\.0\.0\/24, gateway: 10\.30\.0\.1 [\s\S]*type: k3s\n/);
  });

  it("finds room for a cluster on boards and networks of many sizes", () => {
    const site = fc.record({
      length: fc.integer({ min: 16, max: 27 }),
      gib: fc.array(fc.constantFrom(2, 4, 8), { minLength: 1, maxLength: 6 }),
      first: fc.integer({ min: 2, max: 20 }),
      cluster: fc.constantFrom(...clusterKinds),
    });
    fc.assert(
      fc.property(site, ({ length, gib, first, cluster }) => {
        const boards = gib.map((memory, index) => ({
          name: `pi${index}`,
          keys: {
            model: "pi4b",
            memory: `${memory}GiB`,
            serial: `1000000${index}`,
            mac: `dc:a6:32:00:00:0${index}`,
            address: `10.9.0.${first + index}`,
          },
        }));
        const made = { name: "home", cidr: `10.9.0.0/${length}`, gateway: "10.9.0.1", boards, cluster };
        const read = readSite({ file: "home.yaml", text: siteText(made) });
        equal(read.ok, true, read.ok ? "" : printProblems(read.problems) + siteText(made));
      }),
    );
  });
});
