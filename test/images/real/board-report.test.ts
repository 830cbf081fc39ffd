import assert from "node:assert/strict";
import { parseReadinessReport, type ReadinessReport } from "../../../formats/readiness-report.ts";
import { until } from "../../../tools/lib/until.ts";
import { type BoardRoot, makeBoardRoot } from "../support/board-root.ts";

const report = "/usr/local/lib/bramble/report";
const file = "/run/bramble/report.json";
const tree = "/sys/firmware/devicetree/base";
const generation = "0123456789abcdef";
const settings = '[all]\nBOOT_ORDER=0xf2\n# "quoted" \\ and\ta tab\n';

describe("a board's report, written by the script of the image", () => {
  let board: BoardRoot;
  let words: string[];

  beforeEach(async () => {
    board = await makeBoardRoot("hypervisor");
    words = [`bramble.image=${board.image}`, `bramble.generation=${generation}`];
    await makeHealthy(board);
  });
  afterEach(async () => await board.remove());

  const written = async () => readReport(await board.read(file));
  const reported = async (before = ":") => {
    const { code, stdout, stderr } = await board.sh(`hostname pi1; ${before}\n${report}`, words);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
    return await written();
  };
  const hasProblem = async (problem: RegExp, before?: string) => {
    const { problems } = await reported(before);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  };

  it("says what the board is, and that nothing is wrong", async () => {
    await board.write(`${tree}/serial-number`, "10000000ABCDEF01\0");
    await board.write(`${tree}/chosen/bootloader/build-timestamp`, Buffer.from("66e5a1c0", "hex"));
    await board.write(`${tree}/chosen/bootloader/update-timestamp`, Buffer.from("ffffffff", "hex"));
    await board.write(`${tree}/aliases/blconfig`, "/reserved-memory/nvram@0\0");
    await board.sh(`mkdir -p ${tree}/reserved-memory/nvram@0 /sys/bus/nvmem/devices/rmem0 /sys/bus/nvmem/devices/other;
      ln -s ${tree}/reserved-memory/nvram@0 /sys/bus/nvmem/devices/rmem0/of_node
      ln -s ${tree}/chosen /sys/bus/nvmem/devices/other/of_node`);
    await board.write("/sys/bus/nvmem/devices/other/nvmem", "of something else");
    await board.write("/sys/bus/nvmem/devices/rmem0/nvmem", `${settings}\0\0\0`);
    const { versions, writtenAt, bootId, ...rest } = await reported();
    assert.deepEqual(rest, {
      board: "pi1",
      serial: "10000000abcdef01",
      generation,
      overlay: board.image,
      bootloader: { buildTimestamp: 0x66e5a1c0, updateTimestamp: 0xffffffff, settings: settings.replace("\t", " ") },
      problems: [],
    });
    assert.equal(versions.os, "Alpine Linux 3.20.3");
    assert.equal(versions["libvirt-daemon"], "12.3.0-r0");
    assert.ok(Math.abs(Date.parse(writtenAt) - Date.now()) < 60_000);
    assert.equal(bootId, (await board.sh("cat /proc/sys/kernel/random/boot_id")).stdout.trim());
    assert.equal(await board.mode(file), 0o644);
  });

  it("says of a virtual board that it has no serial and no bootloader", async () => {
    const { serial, bootloader } = await reported();
    assert.deepEqual([serial, bootloader], [null, null]);
  });

  it("says null where the kernel command line has no generation, or none that could be one", async () => {
    words = [`bramble.image=${board.image}`];
    assert.equal((await reported()).generation, null);
    words.push('bramble.generation=","problems":[],"x":"');
    assert.equal((await reported()).generation, null);
  });

  it("misses a package that could not be had at boot, also when apk has taken it off its list", async () => {
    const world = (await board.read("/etc/apk/world")) ?? "";
    const database = (await board.read("/lib/apk/db/installed")) ?? "";
    await board.write("/lib/apk/db/installed", database.replace(/P:chrony\n.*\n\n/, ""));
    await hasProblem(/^the package chrony is not installed$/);
    await board.write("/etc/apk/world", world.replace("chrony\n", ""));
    await hasProblem(/^the package chrony is not installed$/);
  });

  it("misses a package of a version that was asked for, but not one that is to be absent", async () => {
    const world = (await board.read("/etc/apk/world")) ?? "";
    await board.write("/etc/apk/world", `${world}!usr-merge-nag\nchrony>4\nprovided-only=2\n`);
    await hasProblem(/^the package provided-only is not installed$/);
    const database = (await board.read("/lib/apk/db/installed")) ?? "";
    await board.write("/lib/apk/db/installed", `${database}P:provider\nV:2\np:so:x=1 provided-only=2\n\n`);
    assert.deepEqual((await reported()).problems, []);
  });

  it("tells of an image that is not the one to be booted", async () => {
    words = [`bramble.image=${"0".repeat(64)}`];
    await hasProblem(new RegExp(`not the one that was to be booted: ${board.image} instead of 0{64}`));
  });

  it("tells of a service that is not started, and of one that waits", async () => {
    await hasProblem(/^the service sshd of the runlevel default is not started$/, "rm /run/openrc/started/sshd");
    await board.sh("mkdir /run/openrc/inactive; : >/run/openrc/inactive/sshd");
    await hasProblem(/^the service sshd is not ready$/);
  });

  it("tells of a boot that is not finished rather than of services that are to come", async () => {
    await hasProblem(/^the boot is not finished$/, "mkdir /run/openrc/rc.starting; rm /run/openrc/started/sshd");
  });

  it("tells of a clock that is not in step, and of none where there is no time server", async () => {
    await board.write("/usr/bin/chronyc", "#!/bin/sh\nexit 1\n", 0o755);
    await hasProblem(/^the clock is not synchronised$/);
    assert.deepEqual((await reported("sed -i /^server/d /etc/chrony/chrony.conf")).problems, []);
  });

  it("tells of modules that are missing, or of another kernel", async () => {
    await hasProblem(/^there are no modules for the kernel/, 'mv "/lib/modules/$(uname -r)" /lib/modules/0.1');
  });

  it("tells what scripts have noted, and of storage that is gone since", async () => {
    await hasProblem(
      /^the seed's file x cannot be fetched$/,
      '. /usr/local/lib/bramble/common; problem seed "the seed\'s file x cannot be fetched"',
    );
    await board.write("/etc/bramble/mounts", "nfs4 10.0.0.1:/x /srv/shelf hard word\n");
    await hasProblem(
      /^\/srv\/shelf is not mounted$/,
      ". /usr/local/lib/bramble/common; settled seed; : >/run/bramble/storage-ready",
    );
  });

  it("stays a report whatever stands in the texts that it is made of", async () => {
    const hostile = [
      'a "quote" and a \\ and \\n',
      "\u001b[2Jcleared",
      "ünïcode \u{1f353}",
      "x".repeat(600),
      "'$(reboot)`reboot`",
    ];
    await board.write("/run/bramble/problems/seed", `${hostile.join("\n")}\n\n`);
    await board.write("/etc/alpine-release", '3.24"}\n');
    const database = (await board.read("/lib/apk/db/installed")) ?? "";
    await board.write("/lib/apk/db/installed", database.replace(/P:chrony\nV:.*/, 'P:chrony\nV:4","x":"y'));
    const { problems, versions, board: name } = await reported("hostname 'Pi\"1'");
    assert.equal(name, "unnamed");
    assert.equal(versions.os, 'Alpine Linux 3.24"}');
    assert.equal(versions.chrony, undefined);
    assert.deepEqual(problems, [hostile[0], "?[2Jcleared", `??n??code ${"?".repeat(4)}`, "x".repeat(500), hostile[4]]);
  });

  it("stays a report with more problems than one may have", async () => {
    await board.write(
      "/run/bramble/problems/seed",
      Array.from({ length: 300 }, (_, n) => `${n} ${"y".repeat(400)}\n`).join(""),
    );
    assert.equal((await reported()).problems.length, 100);
  });

  it("stays current: it is written again when the boot has ended and when a problem is over", async () => {
    await board.write("/usr/bin/sleep", "#!/bin/sh\nexec busybox sleep 0.1\n", 0o755);
    await board.sh("mkdir /run/openrc/rc.starting");
    await board.write("/run/bramble/problems/storage", "no server\n");
    const stop = "until [ -e /run/enough ]; do busybox sleep 0.1; done; kill $!";
    const running = board.sh(`PATH=/usr/bin:/bin; hostname pi1; ${report} always & ${stop}`, words);
    const shows = async (what: string, problems: readonly string[]) => {
      const same = async () => {
        const text = await board.read(file);
        return text !== undefined && readReport(text).problems.join() === problems.join();
      };
      await until(what, same, { deadline: 30_000 });
    };
    try {
      await shows("the boot's report", ["no server", "the boot is not finished"]);
      await board.sh("rmdir /run/openrc/rc.starting", words);
      await shows("the report after the boot", ["no server"]);
      await board.sh("rm /run/bramble/problems/storage", words);
      await shows("the report without problems", []);
    } finally {
      await board.write("/run/enough", "");
      await running;
    }
  });
});

function readReport(text: string | undefined): ReadinessReport {
  const read = parseReadinessReport(text ?? "");
  assert.ok(read.ok, `${read.ok ? "" : read.reason}\n${text}`);
  return read.report;
}

/** What is there when the boot went well: all packages, all services, the time, modules. */
async function makeHealthy(board: BoardRoot): Promise<void> {
  const versions: Readonly<Record<string, string>> = { "libvirt-daemon": "12.3.0-r0" };
  const packages = ((await board.read("/etc/apk/world")) ?? "").split("\n").filter((name) => name !== "");
  const entries = packages.map((name) => `P:${name}\nV:${versions[name] ?? "1.0-r0"}\n\n`);
  await board.write("/lib/apk/db/installed", entries.join(""));
  await board.write("/usr/bin/chronyc", '#!/bin/sh\n[ "$1 $2" = "waitsync 1" ]\n', 0o755);
  await board.sh(`mkdir -p "/lib/modules/$(uname -r)" /run/openrc/started
    for link in /etc/runlevels/*/*; do : >"/run/openrc/started/\${link##*/}"; done`);
}
