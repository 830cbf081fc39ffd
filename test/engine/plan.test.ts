import { doesNotMatch, equal, match } from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { plan } from "../../tools/plan/model.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { pinK3s } from "./pin-k3s.ts";
import { pretendUp } from "./pretend-up.ts";
import { givenAway, secretsOf } from "./secrets-of.ts";
import { startTrial, type Trial } from "./trial.ts";

const site = `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, ntp: [10.20.0.1] }
boot: { server: tower, bootloader: { order: [network, sd] } }
boards:
  tower: { model: pc, role: boot-server, memory: 8GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11, drive: usb-A-part1 }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12, drive: usb-B-part1 }
  pi9: { model: pi4b, role: worker, memory: 4GiB, serial: "10000000aaaaaa09", mac: "dc:a6:32:00:00:09", address: 10.20.0.19 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB, host: pi1 }
    workers: { n: { count: 2, memory: 1GiB, addresses: 10.20.0.101-10.20.0.104 } }
    partitions: { main: { workers: [n], maxTime: 24h } }
`;
const pi9 = / {2}pi9: .*\n/.exec(site)?.[0] ?? "";
const secret = "5e".repeat(32);

/** A kind of change to the site, and what its plan's exit code is. */
interface Kind {
  readonly what: string;
  readonly code: 0 | 2 | 3;
  readonly edits: readonly (readonly [from: string, to: string])[];
}

const maths =
  "maths: { type: slurm, disposable: true, controller: { address: 10.20.0.110, memory: 1GiB }, workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.111-10.20.0.114 } } }";

const kinds: readonly Kind[] = [
  { what: "nothing", code: 0, edits: [] },
  { what: "one worker more", code: 2, edits: [["count: 2", "count: 3"]] },
  {
    what: "a cluster in the place of a worker",
    code: 2,
    edits: [
      ["count: 2", "count: 1"],
      ["clusters:\n", `clusters:\n  ${maths}\n`],
    ],
  },
  { what: "a cluster less", code: 3, edits: [[site.slice(site.indexOf("clusters:")), ""]] },
  { what: "more memory for workers", code: 2, edits: [["n: { count: 2, memory: 1GiB", "n: { count: 2, memory: 2GiB"]] },
  { what: "workers on another host", code: 2, edits: [["n: { count: 2,", "n: { count: 2, host: pi1,"]] },
  { what: "a controller on another host", code: 3, edits: [["memory: 1GiB, host: pi1", "memory: 1GiB, host: pi2"]] },
  { what: "a package for all boards", code: 2, edits: [["boot: { ", "boot: { image: { packages: [htop] }, "]] },
  { what: "another board in the place of one", code: 2, edits: [["10000000aaaaaa09", "10000000bbbbbb09"]] },
  { what: "a board less", code: 2, edits: [[pi9, ""]] },
  { what: "who gives addresses", code: 2, edits: [["server: tower,", "server: tower, dhcp: proxy,"]] },
  {
    what: "another key for hosts and guests",
    code: 2,
    edits: [["clusters:", "keys: { epoch: { deployKey: 2 } }\nclusters:"]],
  },
];

const releases = ["v1.35.0+k3s3", "v1.35.1+k3s1"] as const;
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const k3sSite = `network: { cidr: 10.30.0.0/24, gateway: 10.30.0.1, ntp: [10.30.0.1] }
boards:
${["a", "b", "c"].map((name, index) => `  ${name}: { model: pc, cores: 8, memory: 16GiB, disk: 200GiB, address: 10.30.0.${index + 5}, hostKey: ${hostKey} }`).join("\n")}
clusters:
  web:
    type: k3s
    version: ${releases[0]}
    endpoint: 10.30.0.20
    servers: { count: 3, memory: 2GiB, addresses: 10.30.0.21-10.30.0.25 }
    agents: { n: { count: 2, memory: 2GiB, addresses: 10.30.0.31-10.30.0.38 } }
`;
const k3sKinds: readonly Kind[] = [
  { what: "a later k3s", code: 2, edits: [releases] },
  { what: "a k3s agent less", code: 2, edits: [["count: 2", "count: 1"]] },
  { what: "three k3s servers made one", code: 3, edits: [["count: 3", "count: 1"]] },
];

describe("bramble plan, of a site with boards and a cluster", () => {
  let trial: Trial;
  const planned = (...args: string[]) => trial.bramble("plan", "--stack", "home", ...args);
  const editOf = (stack: string, site: string, edits: Kind["edits"]) => {
    const text = edits.reduce((before, [from, to]) => {
      equal(before.includes(from), true, from);
      return before.replace(from, () => to);
    }, site);
    return trial.write(`${stack}.yaml`, text);
  };
  const edit = (edits: Kind["edits"]) => editOf("home", site, edits);
  const begin = async (stack: string, site: string) => {
    await trial.write(`${stack}.yaml`, site);
    equal((await trial.pulumi("stack", "init", stack, "--no-select")).code, 0);
    const restore = ["node", "tools/bramble.js", "secret", "restore", "--stack", stack] as const;
    equal((await trial.run(restore, {}, { input: secret })).code, 0);
    await pretendUp(trial, stack);
  };

  before(async () => {
    trial = await startTrial();
    await pinBootArtifacts(trial, systemFiles(), [...boardPackages(), { name: "htop" }]);
    await begin("home", site);
    await pinK3s(trial, releases);
    await begin("web", k3sSite);
  });
  after(() => trial?.remove());

  const sites = [
    ["home", site, kinds],
    ["web", k3sSite, k3sKinds],
  ] as const;
  for (const [stack, text, kinds] of sites) {
    for (const { what, code, edits } of kinds) {
      it(`says what this means: ${what}`, async () => {
        await editOf(stack, text, edits);
        const result = await trial.bramble("plan", "--stack", stack, "--format", "markdown");
        const said = `${result.stdout}${result.stderr}`;
        equal(result.code, code, said);
        equal(result.stderr, `Previewing ${stack} …\n`);
        equal(givenAway(secretsOf(stack, text, secret), said).join(), "");
        await sameAsGolden(`plan-${what.replaceAll(/[^a-z0-9]+/g, "-")}.md`, result.stdout);
      });
    }
  }

  it("has the data disk of the first k3s server protected by the engine: the others have the same data", async () => {
    const { stdout } = await trial.pulumi("stack", "export", "--stack", "web");
    const { deployment }: { deployment: { resources: { urn: string; protect?: boolean }[] } } = JSON.parse(stdout);
    const disks = deployment.resources.filter(({ urn }) => /::web-server\d\/data$/.test(urn));
    const isProtected = disks.map(({ urn, protect = false }) => `${urn.split("::").at(-1)} ${protect}`);
    equal(isProtected.sort().join(), "web-server1/data true,web-server2/data false,web-server3/data false");
  });

  it("asks the clusters what runs on nodes that stop, and goes on where nobody answers", async () => {
    await edit([["n: { count: 2,", "n: { count: 2, host: pi1,"]]);
    const { code, stdout, stderr } = await planned("--ask", "--format", "json");
    equal(code, 2, stderr);
    const { atStake } = plan.parse(JSON.parse(stdout));
    equal(atStake?.nodes.map(({ name, cluster }) => `${cluster} ${name}`).join(), "physics physics-n2");
    match(
      JSON.stringify(atStake?.nodes[0]?.found),
      /"unknown","why":"physics-controller \(10\.20\.0\.100\) could not be reached by SSH within 4 s/,
    );
    equal(givenAway(secretsOf("home", site, secret), stdout + stderr).join(), "");
    match((await planned("--ask", "--read", "plan.json")).stderr, /'--ask' cannot be used with option '--read <file>'/);
  });

  it("refuses a bootloader that is older, and says how to mean it", async () => {
    await edit([]);
    const lock = join(trial.folder, "stacks/artifacts.lock.json");
    const pinned = await readFile(lock, "utf8");
    await writeFile(lock, pinned.replaceAll('"2026-05-17"', '"2025-02-11"'));
    const { code, stdout } = await planned();
    await writeFile(lock, pinned);
    equal(code, 3, stdout);
    match(
      stdout,
      /^REFUSED {2}older-bootloader {2}home\n {2}pi1, pi2 and pi9 have the bootloader of 2026-05-17, and 2025-02-11 is older\n.*downgrade: "to 2025-02-11"/m,
    );
  });

  it("keeps a plan that can be shown again, until somebody has changed the site, the checkout or the state", async () => {
    const git = (...args: string[]) =>
      trial.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.com", ...args]);
    await git("init", "-q");
    await git("add", "stacks", "package.json");
    equal((await git("commit", "-qm", "first")).code, 0);
    await edit([["maxTime: 24h", "maxTime: 30m"]]);
    const made = await planned("--out", "plan.json", "--format", "json");
    equal(made.code, 2, made.stderr);
    const text = await readFile(join(trial.folder, "plan.json"), "utf8");
    equal(givenAway(secretsOf("home", site, secret), text + made.stdout).join(), "");
    equal(plan.parse(JSON.parse(made.stdout)).verdict, "changes");

    const read = (...args: string[]) => trial.bramble("plan", "--read", "plan.json", ...args);
    const shown = await read();
    equal(shown.code, 2, shown.stderr);
    match(
      shown.stdout,
      /slurm\.conf[\s\S]*-PartitionName=main .*MaxTime=1440[\s\S]*\+PartitionName=main .*MaxTime=30 /,
    );
    const stale = async (why: RegExp) => {
      const { code, stdout, stderr } = await read();
      equal(`${code} ${stdout}`, "1 ", stderr);
      match(
        stderr,
        /plan\.json is stale: .*Make the plan again: npm run bramble -- plan --stack home --out plan\.json/s,
      );
      match(stderr, why);
    };
    await edit([["maxTime: 24h", "maxTime: 40m"]]);
    await stale(/the site, its stack file or stacks\/artifacts\.lock\.json is not what it was/);
    await edit([["maxTime: 24h", "maxTime: 30m"]]);
    equal((await read()).code, 2);
    const { stdout: urns } = await trial.pulumi("stack", "--show-urns", "--stack", "home");
    const disk = /urn:\S+::physics-controller\/data/.exec(urns)?.[0] ?? "";
    equal((await trial.pulumi("state", "unprotect", disk, "--stack", "home", "--yes")).code, 0);
    await stale(/the stack's state has changed since: somebody ran `up`/);
    equal((await git("commit", "-qam", "second")).code, 0);
    await stale(/it was made at commit [0-9a-f]{12}, and this is [0-9a-f]{12}/);

    await writeFile(join(trial.folder, "plan.json"), text.slice(0, 1000));
    const cut = await read();
    equal(cut.code, 1);
    match(cut.stderr, /^plan\.json is not whole: it ends in the middle/);
    match((await read("--stack", "office")).stderr, /^plan\.json is not whole/);
  });

  it("says what is wrong instead of planning: no such stack, a wrong site, a wrong passphrase", async () => {
    const unknown = await trial.bramble("plan", "--stack", "nosuch");
    equal(unknown.code, 1);
    match(unknown.stderr, /^There is no stack nosuch: .*There are home and web\./);
    await edit([["count: 2", "cuont: 2"]]);
    const wrong = await planned();
    equal(`${wrong.code} ${wrong.stdout}`, "1 ");
    match(wrong.stderr, /^stacks\/home\.yaml:\d+:\d+ +unknown-key /);
    await edit([]);
    const command = ["node", "tools/bramble.js", "plan", "--stack", "home"] as const;
    const locked = await trial.run(command, { PULUMI_CONFIG_PASSPHRASE: "wrong" });
    equal(`${locked.code} ${locked.stdout}`, "1 ");
    match(locked.stderr, /incorrect passphrase[\s\S]*The passphrase of stack home is another one/);
    doesNotMatch(locked.stderr, /^ +at .*:\d+/m);
  });
});

/**
 * Hashes follow from the rest, and change with every change of this project's scripts; so do the words by which a change
 * is allowed. Serial numbers of boards look like hashes.
 */
async function sameAsGolden(name: string, text: string): Promise<void> {
  const file = join(import.meta.dirname, "golden", name);
  const stable = text.replaceAll(/\b(?!10000000)[0-9a-f]{16,64}\b/g, "HASH").replaceAll(/\bp[0-9a-f]{8}\b/g, "WORD");
  if (env.UPDATE_GOLDEN === "1") await writeFile(file, stable);
  equal(stable, await readFile(file, "utf8"));
}
