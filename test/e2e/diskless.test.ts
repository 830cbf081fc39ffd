import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { variables } from "../../providers/steps/environment.ts";
import { type RunResult, tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { bootablePackages } from "../doubles/alpine-initramfs/packages.ts";
import { alpineInitramfs, kernelModule } from "../doubles/alpine-initramfs.ts";
import { testKey } from "../doubles/apk-repository.ts";
import { boards, booted } from "../doubles/pi-bootloader/samples.ts";
import { bootPi } from "../doubles/pi-bootloader.ts";
import { type RunningQemu, startQemu } from "../doubles/qemu-boot.ts";
import { type SecondHost, startSecondHost } from "../doubles/second-host.ts";
import { startTimeServer } from "../doubles/time-server.ts";
import { packedFiles, pinBootArtifacts, pinPackagesOfMirror } from "../engine/boot-artifacts.ts";
import { startTrial, type Trial } from "../engine/trial.ts";
import { ownFolders } from "../providers/support/boot-machine.ts";
import { laterModules, piBootFiles, piSystem } from "./support/boot-files.ts";
import { makeSegment, type Segment } from "./support/segment.ts";

/** Longer than any boot that was seen, on a machine that does other things besides. */
const deadline = 180_000;

/** Folders of the boot server; it has those above to itself. */
const roots = "/srv/boot";

const { model, serial, mac } = boards.pi5;

/**
 * The board has no clock that runs without power, as Raspberry Pis have none: its time is 1970 when it starts.
 * A kernel that panics restarts after two seconds; published is half a minute, and the last word counts.
 */
const parameters = ["initcall_blacklist=pl031_driver_init", "panic=2"];

const site = (
  segment: Segment,
  hostKey: string,
) => `network: { cidr: ${segment.cidr}, gateway: ${segment.here}, ntp: [${segment.here}] }
boot:
  server: tower
  dhcp: own
  tftp: ${roots}/tftp
  http: ${roots}/http
  parameters: [${parameters.join(", ")}]
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, address: ${segment.address(2)}, hostKey: ${hostKey} }
  pi5: { model: ${model}, memory: 8GiB, serial: "${serial}", mac: "${mac}", address: ${segment.address(12)} }
`;

/**
 * From a site file to a board that runs: `up` publishes, the board's firmware fetches by TFTP what it needs to start its
 * kernel, and what runs then is Alpine's way of starting without a disk, by a model of its initial RAM disk, with the
 * real apk, OpenRC and sshd. It has processor and network card, and nothing else of a Raspberry Pi.
 */
describe("a board without a disk", function () {
  this.timeout(600_000);
  let trial: Trial;
  let segment: Segment;
  let tower: SecondHost;
  let board: RunningQemu | undefined;
  const undo: (() => Promise<void>)[] = [];

  before(async () => {
    segment = await makeSegment();
    undo.push(() => segment.remove());
    const time = await startTimeServer(segment.here);
    undo.push(() => time.stop());
    trial = await startTrial();
    undo.push(() => trial.remove());
    const hostKey = sshKeyPair(randomBytes(32));
    await trial.makeStack("home", site(segment, hostKey.publicKey));
    await pinBootArtifacts(trial, await bootFiles(), []);
    await pinPackagesOfMirror(trial, await bootablePackages());
    tower = await startSecondHost({
      name: "tower",
      address: `${segment.address(2)}/24`,
      wire: { bridge: segment.bridge },
      hostKey: hostKey.privateKey,
      authorizedKey: (await trial.bramble("deploy-key", "--stack", "home")).stdout,
    });
    undo.push(() => tower.stop());
    await tower.run(["sh", "-c", ownFolders]);
  });
  after(async () => {
    await board?.stop();
    for (const step of undo.reverse()) await step();
  });

  /** Publishes, and gives what is said of the board at the end. */
  const up = async (...more: string[]) => {
    const { code, stdout, stderr } = await trial.bramble("up", "--stack", "home", "--yes", "--skip-preview", ...more);
    return { code, said: stdout + stderr };
  };

  const edit = async (from: string, to: string) => {
    const file = `${trial.folder}/stacks/home.yaml`;
    await writeFile(file, (await readFile(file, "utf8")).replace(from, to));
  };

  /** Switches the board on, or off and on. The firmware does its part; QEMU goes on from there. */
  const switchOn = async () => {
    await board?.stop();
    const { files } = booted(await bootPi({ ...boards.pi5, server: { address: segment.address(2) } }));
    board = await startQemu({ machine: "virt", files, network: { bridge: segment.bridge, mac } });
    return board;
  };

  /** Runs a command on the board, as somebody with the site's key does who knows its host key. */
  const onBoard = (...command: string[]): Promise<RunResult> =>
    knowingHosts(`${trial.folder}/.bramble/ssh/home/known_hosts`, command);
  const knowingHosts = (knownHosts: string, command: readonly string[]): Promise<RunResult> => {
    const keys = `${trial.folder}/.bramble/ssh/home`;
    const options = [
      "BatchMode=yes",
      "ConnectTimeout=10",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${knownHosts}`,
    ];
    const args = options.flatMap((option) => ["-o", option]);
    return tryRun(["ssh", ...args, "-i", `${keys}/deploy-key`, `root@${segment.address(12)}`, ...command]);
  };

  /** Waits for the board as `up` does before it makes a VM on it, by the same step; patience is in seconds. */
  const mayHaveVms = async (patience: number) => {
    const keys = `${trial.folder}/.bramble/ssh/home`;
    const known = await readFile(`${keys}/known_hosts`, "utf8");
    const target = (name: string, address: string) => ({
      name,
      address,
      user: "root",
      hostKey: known
        .split("\n")
        .find((line) => line.startsWith(`${address} `))
        ?.slice(address.length + 1),
    });
    const source = { connect: "ssh", ...target("tower", segment.address(2)), site: "home", tftpRoot: `${roots}/tftp` };
    return await trial.run([process.execPath, "providers/steps/main.ts", "board-ready", "apply"], {
      [variables.board]: JSON.stringify({ ...target("pi5", segment.address(12)), serial }),
      [variables.bootServer]: JSON.stringify(source),
      [variables.patience]: String(patience),
      [variables.sshKey]: await readFile(`${keys}/deploy-key`, "utf8"),
    });
  };

  /** Waits until the board has no more to say of its boot; its report is written again some seconds after that. */
  const hasReported = () =>
    until(
      "the board's report",
      async () => {
        const { code, stdout } = await onBoard("cat", "/run/bramble/report.json");
        return code === 0 && !stdout.includes("the boot is not finished") && stdout;
      },
      { deadline: 60_000, every: 500 },
    );

  /** The file that boards fetch under this name. What is published is also kept elsewhere: it must not be written to. */
  const published = async (name: string) => {
    const all = await tower.run(["sh", "-c", 'find -L "$1"/* -name "$2"', "sh", `${roots}/http`, name]);
    const [path = "", ...others] = all.trim().split("\n");
    deepEqual(others, []);
    return path;
  };

  it("is published for by the first `up`, which says that it is off", async () => {
    const { code, said } = await up();
    equal(code, 4, said);
    match(said, /0 of 1 boards run what is published/);
  });

  it("runs what is published, and says so under its own host key", async () => {
    const pi5 = await switchOn();
    await pi5.sees(/pi5 login:/, deadline);
    const report = JSON.parse(await hasReported());
    deepEqual(report.problems, []);
    const { code, said } = await up();
    equal(code, 0, said);
    match(said, /1 of 1 boards run what is published\./);
    const { stdout, stderr } = await mayHaveVms(0);
    match(stdout + stderr, /pi5 runs what is published for it/);
  });

  it("has the right time when it is ready, though it began in 1970", async () => {
    const { stdout } = await onBoard("date +%s; stat -c %Y /run/bramble/seed/board");
    const [now, early] = stdout.split("\n").map(Number);
    ok(early !== undefined && early < 24 * 3600, `its seed is of ${early}`);
    ok(now !== undefined && Math.abs(now - Date.now() / 1000) < 60, `it is ${now} there`);
  });

  it("gets its identity once in a boot, and nobody else gets it", async () => {
    const url = (await onBoard("sed", "-n", "s/^IDENTITY_URL=//p", "/run/bramble/seed/board")).stdout.trim();
    const again = await onBoard("wget", "-q", "-O", "/dev/null", url);
    match(again.stderr, /403/);
    const other = await fetch(url);
    equal(other.status, 403);
    doesNotMatch(await other.text(), /PRIVATE KEY/);
    const log = await tower.run(["cat", "/var/log/bramble/home/identity.log"]);
    match(log, /"status":403,"why":"it was given already/);
  });

  it("shows a certificate of the site's CA, so that nobody needs a list of host keys", async () => {
    const { stdout: ca } = await onBoard("cat", "/etc/ssh/bramble-user-ca.pub");
    const known = `${trial.folder}/ca`;
    await writeFile(known, `@cert-authority ${segment.address(12)} ${ca}`);
    const { code, stderr } = await knowingHosts(known, ["true"]);
    equal(code, 0, stderr);
  });

  it("goes on with what it runs when another version is published, until it is restarted", async () => {
    await edit("panic=2", "panic=3");
    const { code, said } = await up();
    equal(code, 0, said);
    match(said, /pi5 +reboot pending: it runs [0-9a-f]{16}, and [0-9a-f]{16} is published/);
  });

  // It has a name and an SSH server all the same: where there is no image, Alpine has tiny-cloud installed for ds=.
  it("that finds no image is not taken for itself, and `up` says what it asked for in vain", async () => {
    await tower.run(["rm", await published("*.apkovl.tar.gz")]);
    const pi5 = await switchOn();
    await pi5.sees(/ login:/, deadline);
    const { code, said } = await up();
    equal(code, 5, said);
    match(said, /DEGRADED/);
    match(said, /pi5 .*as a plain Alpine has one: it did not get its image/);
    match(said, /asked for \/image-hypervisor-aarch64\/\S+\.apkovl\.tar\.gz and got 404/);
    // A new board would be waited for as long as this; where it is in vain, no longer than it takes to see that.
    const begun = performance.now();
    const { code: ended, stdout, stderr } = await mayHaveVms(600);
    notEqual(ended, 0);
    match(stdout + stderr, /no VM is made on it: .*\.apkovl\.tar\.gz and got 404/s);
    ok(performance.now() - begun < 60_000);
  });

  it("is made whole by `up --refresh`, which publishes again what is gone", async () => {
    const { code, said } = await up("--refresh");
    equal(code, 5, said);
    await published("*.apkovl.tar.gz");
  });

  it("with a broken image panics and restarts, and is said to be off, with the last that was seen", async () => {
    const image = await published("*.apkovl.tar.gz");
    await tower.run(["sh", "-c", 'head -c 3000 "$1" >"$1.new" && mv "$1.new" "$1"', "sh", image]);
    const pi5 = await switchOn();
    await pi5.sees(/the overlay \S+ is corrupt/, deadline);
    await pi5.sees(/Kernel panic - not syncing/, 30_000);
    await pi5.goesOff(30_000);
    const { code, said } = await up();
    equal(code, 4, said);
    match(said, /pi5 +is off, or still booting: .*last seen: at [0-9:]{8} it asked for \/image-hypervisor-aarch64\//);
    await up("--refresh");
  });

  it("tells which package it could not get", async () => {
    await tower.run(["rm", await published("qemu-img-1-r0.apk")]);
    const pi5 = await switchOn();
    await pi5.sees(/pi5 login:/, deadline);
    await hasReported();
    const { code, said } = await up();
    equal(code, 5, said);
    match(said, /the package qemu-img is not installed/);
  });

  it("is as it should be again at its next start, when all is published again", async () => {
    await up("--refresh");
    const pi5 = await switchOn();
    await pi5.sees(/pi5 login:/, deadline);
    await hasReported();
    const { code, said } = await up();
    equal(code, 0, said);
  });

  /** A rollout, while the board starts again whenever it has gone down: what QEMU does not do by itself. */
  const rollOut = async () => {
    const rollout = trial.bramble("rollout", "--stack", "home", "--yes");
    const ended = rollout.then(() => "ended" as const);
    for (;;) {
      const isOff = board?.goesOff(2 * deadline).then(() => "off" as const);
      isOff?.catch(() => undefined); // it runs on, which is how it should end
      if ((await Promise.race([ended, isOff])) === "ended") break;
      await switchOn();
    }
    const { code, stdout, stderr } = await rollout;
    return { code, said: stdout + stderr };
  };
  const runs = async () => JSON.parse((await onBoard("cat", "/run/bramble/report.json")).stdout).generation;

  it("is restarted by a rollout, which ends when the board says that it runs what is published", async () => {
    const before = await runs();
    await edit("panic=3", "panic=4");
    match((await up()).said, /pi5 +reboot pending/);
    const { code, said } = await rollOut();
    equal(code, 0, said);
    match(
      said,
      /pi5 runs [0-9a-f]{16}, with its VMs and nodes[\s\S]*1 of 1 boards restarted and run what is published/,
    );
    notEqual(await runs(), before);
    match((await up()).said, /1 of 1 boards run what is published\./);
  });

  it("is put back by a rollout when it does not come up, and `up` leaves it there", async () => {
    const before = await runs();
    const images = async () =>
      (await tower.run(["sh", "-c", 'find -L "$1"/* -name "*.apkovl.tar.gz"', "sh", `${roots}/http`]))
        .trim()
        .split("\n");
    const old = await images();
    await edit("  dhcp: own\n", '  dhcp: own\n  image: { files: { /etc/motd: { text: "Another one.\\n" } } }\n');
    await up();
    const [image = "", ...others] = (await images()).filter((path) => !old.includes(path));
    deepEqual(others, []);
    await tower.run(["sh", "-c", 'head -c 3000 "$1" >"$1.new" && mv "$1.new" "$1"', "sh", image]);
    const { code, said } = await rollOut();
    equal(code, 1, said);
    match(said, /pi5 is not as it should be after \d+ s: .*it starts again and again/);
    match(said, /serves it [0-9a-f]{16} again[\s\S]*; it runs that, with its VMs and nodes/);
    equal(await runs(), before);
    const { code: later, said: words } = await up();
    equal(later, 0, words);
    match(words, /pi5 +[0-9a-f]{16} is held back since/);
    match((await rollOut()).said, /Held back/);
    equal(await runs(), before);
  });
});

/** What the archive with the system has in it; its initial RAM disk is the model. */
async function bootFiles(): Promise<Record<string, Buffer>> {
  const system = await piSystem();
  const modules = await Promise.all(
    laterModules.map(async (name): Promise<[string, Buffer]> => {
      return [`${system.release}/kernel/${name}.ko`, await kernelModule(system.modules, name)];
    }),
  );
  return await piBootFiles(system, {
    initramfs: await alpineInitramfs({ key: testKey(), modules: system.modules }),
    modloop: gzipSync(await packedFiles(Object.fromEntries(modules))),
  });
}
