import { equal, match } from "node:assert/strict";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { exportLines } from "../../tools/setup/env.ts";
import { placesOf } from "../../tools/setup/places.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { smallSite } from "./sites.ts";
import { startTrial, type Trial } from "./trial.ts";

/** Names that a shell, a path or a terminal could take for something else. */
const hostileNames = [
  "two words",
  "qu'o\"te",
  "$(touch pwned)",
  "`touch pwned`",
  "../../etc/passwd",
  "a".repeat(300),
  "🦔",
  "-oProxyCommand=x",
  "",
];

describe("the commands, as a clumsy or hostile user gives them", () => {
  let trial: Trial;
  const bramble = (...args: string[]) => trial.bramble(...args);
  /** Runs a command that must fail as a failed command does, and gives what it said. */
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await bramble(...args);
    equal(code, 1, stdout + stderr);
    equal(/^ +at .*:\d+/m.test(stdout + stderr), false, `a stack trace: ${stdout + stderr}`);
    return stderr;
  };
  const refusedWith = async (change: NodeJS.ProcessEnv, ...args: string[]) => {
    const { code, stdout, stderr } = await trial.run(["node", "tools/bramble.js", ...args], change);
    equal(code, 1, stdout + stderr);
    return stderr;
  };

  before(async () => {
    trial = await startTrial();
    await trial.makeStack("home", smallSite);
  });
  after(() => trial?.remove());

  it("teach with --help, each of them, and exit with 0", async () => {
    const { stdout } = await bramble("--help");
    const names = [...stdout.matchAll(/^ {2}([a-z-]+)(?= |$)/gm)].map(([, name]) => name ?? "");
    equal(names.includes("host-key"), true, stdout);
    const helps = await Promise.all(names.filter((name) => name !== "help").map((name) => bramble(name, "--help")));
    for (const { code, stdout } of helps) equal(`${code} ${/^Usage: bramble /.test(stdout)}`, "0 true", stdout);
  });

  it("end wrong use with 2, and suggest what was meant", async () => {
    const { code, stderr } = await bramble("prevew");
    equal(code, 2);
    match(stderr, /Did you mean preview\?/);
    equal((await bramble("check", "--nonsense")).code, 2);
    const purpose = await bramble("secret", "rotate", "constructor", "--stack", "home");
    equal(purpose.code, 2);
    match(purpose.stderr, /Allowed choices are sshCa, sshHostKey, deployKey, mungeKey, k3sCa, k3sToken/);
  });

  it("list the stacks when none is named, and say how to make one that is not there", async () => {
    match(
      await refused("preview"),
      /^Which stack\? Name it by --stack NAME or by BRAMBLE_STACK\. There is one: home\.$/m,
    );
    match(
      await refused("up", "--stack", "nosuch"),
      /There is no stack nosuch: .*There is one: home\.\n.*secret new --stack nosuch/,
    );
  });

  it("take no hostile name for a stack, a machine or an address, and run nothing of it", async () => {
    const asked = hostileNames.map(async (name) => {
      const said = await refused("check", `--stack=${name}`);
      match(said, /is not a name: use at most 20|has 300 characters: use at most 20/);
      if (!name.startsWith("-")) match(await refused("host-key", name), / is not an IP address\./);
    });
    await Promise.all(asked);
    match(
      await refused("ssh", "--stack", "home", "$(touch pwned)"),
      /no machine "\$\(touch pwned\)" to log in to; it has tower, physics-/,
    );
    equal((await trial.run(["find", trial.folder, "-name", "pwned"])).stdout, "");
  });

  it("say all that is wrong with a site at once, by place, before the engine starts and in plain pulumi", async () => {
    const wrong = smallSite
      .replace("memory: 8GiB", "memroy: 8GiB")
      .replace("count: 1", 'count: "$(touch pwned)"')
      .concat('users:\n  "$(id) 🦔": { uid: 2001 }\n');
    await trial.write("wrong.yaml", wrong);
    await trial.write("Pulumi.wrong.yaml", await readFile(join(trial.folder, "stacks/Pulumi.home.yaml"), "utf8"));
    const said = await refused("preview", "--stack", "wrong");
    match(said, /^stacks\/wrong\.yaml:6:5 +unknown-key .*memroy.*\n +→ .*memory/m);
    match(said, /^stacks\/wrong\.yaml:13:\d+ +wrong-type .*"\$\(touch pwned\)"/m);
    match(said, /^stacks\/wrong\.yaml:16:3 +bad-name .*"\$\(id\) \\u\{1f994\}"/m);
    equal(said, (await bramble("check", "--stack", "wrong")).stdout);

    await trial.pulumi("stack", "init", "wrong", "--no-select");
    const { code, stdout } = await trial.pulumi("preview", "--stack", "wrong", "--non-interactive");
    equal(code === 0, false);
    match(stdout, /The site can't be built:\n +stacks\/wrong\.yaml:6:5 +unknown-key/);
    equal(/^ +at .*:\d+/m.test(stdout), false);
  });

  it("refuse a site file outside stacks/, and hostile overrides, by the name of the stack file", async () => {
    const own = await readFile(join(trial.folder, "stacks/Pulumi.home.yaml"), "utf8");
    for (const path of ["../../etc/passwd", "../../../../etc/hosts.yaml", "/etc/hosts.yaml", "x\\0.yaml", ""]) {
      await trial.write("Pulumi.outside.yaml", `${own}  bramble:site: "${path}"\n`);
      match(
        await refused("preview", "--stack", "outside"),
        /Pulumi\.outside\.yaml, bramble:site +bad-site-file .* is not a \.yaml file inside stacks\//,
      );
    }
    await trial.write(
      "Pulumi.over.yaml",
      `${own}  bramble:site: home.yaml\n  bramble:override: { boards: { "$(id)": { x: 1 } } }\n`,
    );
    match(await refused("preview", "--stack", "over"), /Pulumi\.over\.yaml, bramble:override +bad-name .*"\$\(id\)"/);
  });

  it("tell a missing, wrong, cut or damaged secret from a missing or wrong passphrase, and what to do", async () => {
    await trial.write("bare.yaml", smallSite);
    await trial.pulumi("stack", "init", "bare", "--no-select");
    const bare = await bramble("preview", "--stack", "bare");
    equal(bare.code, 1);
    match(bare.stdout, /Stack bare has no site secret.*npm run bramble -- secret new --stack bare/);
    match(await refused("ssh", "--stack", "bare", "tower"), /Stack bare has no site secret.*secret new --stack bare/);
    match(await refused("secret", "new", "--stack", "home"), /has a secret already.*secret rotate PURPOSE/);

    const wrong = { PULUMI_CONFIG_PASSPHRASE: "wrong" };
    match(
      await refusedWith(wrong, "secret", "show", "--stack", "home"),
      /incorrect passphrase\nThe passphrase of stack home is another one.*docs\/security\.md/,
    );
    match(await refusedWith(wrong, "preview", "--stack", "home"), /The passphrase of stack home is another one/);
    const none = { PULUMI_CONFIG_PASSPHRASE: undefined };
    match(
      await refusedWith(none, "preview", "--stack", "home"),
      /Stack home needs its passphrase:.*PULUMI_CONFIG_PASSPHRASE_FILE/,
    );

    const secret = (await bramble("secret", "show", "--stack", "home")).stdout.trim();
    await trial.pulumi("config", "set", "--secret", "siteSecret", "--stack", "bare", secret.slice(2));
    const cut = await bramble("preview", "--stack", "bare");
    match(cut.stdout, /Stack bare has a site secret that has 62 characters, not 64\..*secret restore --stack bare/);
    equal(cut.stdout.includes(secret.slice(2)), false);
    equal(/^ +at .*:\d+/m.test(cut.stdout), false);
    match(await refused("secret", "new", "--stack", "bare"), /has a secret already/);

    const file = join(trial.folder, "stacks/Pulumi.bare.yaml");
    const damaged = (await readFile(file, "utf8")).replace(
      /(secure: v1:[^:]{16}:.{8})./,
      (_, start: string) => `${start}!`,
    );
    await trial.write("Pulumi.bare.yaml", damaged.replace("!", "A"));
    match(await refused("secret", "show", "--stack", "bare"), /value in stacks\/Pulumi\.bare\.yaml is damaged/);
    const restored = await trial.run(
      ["node", "tools/bramble.js", "secret", "restore", "--stack", "bare"],
      {},
      { input: `${secret}\n` },
    );
    equal(restored.code, 0, restored.stderr);
    equal((await bramble("secret", "show", "--stack", "bare")).stdout.trim(), secret);
    const other = await trial.run(
      ["node", "tools/bramble.js", "secret", "restore", "--stack", "bare"],
      {},
      { input: "0".repeat(64) },
    );
    match(other.stderr, /has another secret, which is whole/);
  });

  it("raise an epoch by `secret rotate` in the site file, whose comments stay, and so change that key alone", async () => {
    await trial.write("home.yaml", `# the shelf\n${smallSite}`);
    const before = (await bramble("deploy-key", "--stack", "home")).stdout;
    match(before, /^ssh-ed25519 \S+ bramble-home\n$/);
    const { code, stdout } = await bramble("secret", "rotate", "deployKey", "--stack", "home");
    equal(code, 0);
    match(stdout, /^keys\.epoch\.deployKey is 2 in stacks\/home\.yaml\. .*npm run preview -- --stack home$/m);
    match(
      await readFile(join(trial.folder, "stacks/home.yaml"), "utf8"),
      /^# the shelf\n[\s\S]*keys:\n +epoch:\n +deployKey: 2\n/,
    );
    equal((await bramble("deploy-key", "--stack", "home")).stdout === before, false);
    await trial.write("home.yaml", smallSite);
  });

  it("say which programs a runner lacks in one list, before anything starts", async () => {
    await trial.run(["mkdir", "bin"]);
    for (const program of ["env", "sh", "true"])
      await symlink(`/usr/bin/${program}`, join(trial.folder, "bin", program));
    const said = await refusedWith(
      { PATH: `${join(trial.folder, "bin")}:${join(trial.folder, "node_modules/.bin")}` },
      "up",
      "--stack",
      "home",
    );
    match(
      said,
      /^Programs that this machine lacks:\n {2}mkisofs: .*\n {2}xsltproc: .*\n {2}ssh: .*\n.*apt-get install genisoimage xsltproc openssh-client/,
    );
  });

  it("say what a Node that is too old must be replaced by: in bramble, in plain pulumi and in a remote step", async () => {
    const pretend = join(trial.folder, "old-node.cjs");
    const script = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });';
    await writeFile(pretend, script);
    const old = { NODE_OPTIONS: `--require=${pretend}` };
    const sentence = /Bramble needs Node 22\.18 or newer; \/.*\/node is Node 20\.20\.2\.\n.*npm ci/;
    const bramble = await trial.run(["node", "tools/bramble.js", "check"], old);
    equal(bramble.code, 1);
    match(bramble.stderr, sentence);
    const lines = exportLines({}, placesOf(trial.folder)).join("\n");
    const preview = `${lines}\nexec pulumi preview --stack home --non-interactive`;
    const { code, stdout } = await trial.run(["bash", "-c", preview], old);
    equal(code === 0, false);
    match(stdout.replaceAll(/^ +/gm, ""), sentence);
    equal(/^ +at .*:\d+/m.test(stdout), false);
    const command = [
      "node",
      "--require=./node-version.cjs",
      "providers/steps/main.ts",
      "guest-ready",
      "apply",
    ] as const;
    const step = await trial.run(command, old);
    equal(step.code, 1);
    match(step.stderr, sentence);
  });

  it("say what to run first when plain pulumi is used without Bramble's environment", async () => {
    const change = {
      PATH: `${join(trial.folder, ".bramble/engine/bin")}:${join(trial.folder, "node_modules/.bin")}:/usr/bin:/bin`,
      PULUMI_BACKEND_URL: `file://${trial.folder}/.bramble/state`,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const { code, stdout } = await trial.run(["pulumi", "preview", "--stack", "home", "--non-interactive"], change);
    equal(code === 0, false);
    match(stdout, /Bramble's engine is not in this shell\. Run: eval "\$\(npm run -s bramble -- env\)"/);
    equal(/^ +at .*:\d+/m.test(stdout), false);
  });

  it("name the place of the state when a stack has its file but no state", async () => {
    const elsewhere = { PULUMI_BACKEND_URL: `file://${trial.folder}/elsewhere` };
    await trial.run(["mkdir", "elsewhere"]);
    match(
      await refusedWith(elsewhere, "preview", "--stack", "home"),
      /Stack home has its file, but no state in file:.*elsewhere\. .*docs\/operations\.md/,
    );
  });
});

describe("bramble host-key, against a real sshd", () => {
  let machine: PrivateMachine;
  let trial: Trial;
  const hostKey = sshKeyPair(Buffer.alloc(32, 7));

  before(async () => {
    machine = await startPrivateMachine({ name: "pc" });
    trial = await startTrial((command) => machine.inside(command));
    await machine.run(["sh", "-c", "umask 077; cat > /run/host-key"], { input: hostKey.privateKey });
    await machine.run(["/usr/sbin/sshd", "-f", "/dev/null", "-h", "/run/host-key"]);
  });
  after(async () => {
    await machine?.stop();
    await trial?.remove();
  });

  it("prints the fingerprint to compare and the line for the site file", async () => {
    const { code, stdout, stderr } = await trial.bramble("host-key", "127.0.0.1");
    equal(code, 0, stderr);
    const { stdout: listed } = await machine.run(["ssh-keygen", "-lf", "/run/host-key"]);
    const fingerprint = listed.split(" ")[1] ?? "none";
    match(fingerprint, /^SHA256:/);
    equal(stdout.includes(fingerprint), true, stdout);
    equal(stdout.includes(`hostKey: ${hostKey.publicKey}`), true, stdout);
  });

  it("says that nobody answered, within seconds", async () => {
    const { code, stderr } = await trial.bramble("host-key", "192.0.2.1");
    equal(code, 1);
    match(stderr, /192\.0\.2\.1 showed no ed25519 host key within 5 s\. Does sshd run there\?/);
  });
});
