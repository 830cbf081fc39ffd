import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { type CpioEntry, cpio } from "../../tools/image/cpio.ts";
import { apkRepository } from "../doubles/apk-repository.ts";
import { boards, booted } from "../doubles/pi-bootloader/samples.ts";
import { bootPi, type PiBoot } from "../doubles/pi-bootloader.ts";
import { bootInQemu, type QemuBoot } from "../doubles/qemu-boot.ts";
import { type SecondHost, startSecondHost } from "../doubles/second-host.ts";
import { boardPackages, pinBootArtifacts } from "../engine/boot-artifacts.ts";
import { startTrial, type Trial } from "../engine/trial.ts";
import { ownFolders } from "../providers/support/boot-machine.ts";
import { piBootFiles, piSystem } from "./support/boot-files.ts";
import { makeSegment, type Segment } from "./support/segment.ts";

/** Longer than any boot that was seen, on a machine that does other things besides. */
const deadline = 180_000;

/** Folders of the boot server; it has those above to itself. */
const roots = "/srv/boot";

/** Bootloaders ask the server at its own address (TFTP_IP), as they do with an ordinary router. */
const site = (segment: Segment, hostKey: string) => `network: { cidr: ${segment.cidr}, gateway: ${segment.here} }
boot:
  server: tower
  tftp: ${roots}/tftp
  http: ${roots}/http
  overlays: [bramble-test]
  bootloader: { order: [network] }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, address: ${segment.address(2)}, hostKey: ${hostKey} }
  pi4: { model: pi4b, memory: 4GiB, serial: "${boards.pi4.serial}", mac: "${boards.pi4.mac}", address: ${segment.address(11)} }
  pi5: { model: pi5, memory: 8GiB, serial: "${boards.pi5.serial}", mac: "${boards.pi5.mac}", address: ${segment.address(12)} }
`;

/**
 * From a site file to a userspace: `up` makes a machine the boot server over SSH and publishes there; what it serves is
 * fetched as the bootloaders of both models do it, and started by QEMU.
 */
describe("a board without an SD card", function () {
  this.timeout(600_000);
  let trial: Trial;
  let segment: Segment;
  let tower: SecondHost;
  const undo: (() => Promise<void>)[] = [];

  before(async () => {
    segment = await makeSegment();
    undo.push(() => segment.remove());
    trial = await startTrial();
    undo.push(() => trial.remove());
    const hostKey = sshKeyPair(randomBytes(32));
    await pinBootArtifacts(trial, await bootFiles());
    await trial.makeStack("home", site(segment, hostKey.publicKey));
    tower = await startSecondHost({
      name: "tower",
      address: `${segment.address(2)}/24`,
      wire: { bridge: segment.bridge },
      hostKey: hostKey.privateKey,
      authorizedKey: (await trial.bramble("deploy-key", "--stack", "home")).stdout,
    });
    undo.push(() => tower.stop());
    await tower.run(["sh", "-c", ownFolders]);
    await up();
  });
  after(async () => {
    for (const step of undo.reverse()) await step();
  });

  const bramble = (operation: string) => trial.bramble(operation, "--stack", "home", "--yes", "--skip-preview");
  /** Ends with 4, since nobody answers at the boards' addresses. */
  const up = async () => {
    const { code, stdout, stderr } = await bramble("up");
    equal(code, 4, stdout + stderr);
  };
  const edit = async (from: string, to: string) => {
    const file = join(trial.folder, "stacks/home.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace(from, to));
  };
  const publishedGeneration = async (board: string) =>
    /^os_prefix=(.*)\/$/m.exec(await tower.run(["cat", `${roots}/tftp/${board}/config.txt`]))?.[1];

  /** What each board has in its EEPROM; as from the factory, but for the boot order that an SD card gave it. */
  const eeproms: Record<keyof typeof boards, Partial<PiBoot>> = { pi4: {}, pi5: {} };
  const boot = (board: keyof typeof boards, more: Partial<PiBoot> = {}) =>
    bootPi({ ...boards[board], ...eeproms[board], server: { address: segment.address(2) }, ...more });

  for (const [board, prefix] of [
    ["pi4", "dc-a6-32-01-36-c2"],
    ["pi5", "d8-3a-dd-98-09-77"],
  ] as const) {
    it(`takes its bootloader settings at its first boot, by its serial number (${board})`, async () => {
      const outcome = await boot(board);
      ok(outcome.kind === "flashed", JSON.stringify(outcome));
      equal(outcome.bootconf.BOOT_ORDER, "0xf2");
      equal(outcome.bootconf.TFTP_PREFIX, "2");
      ok(outcome.requests.every(({ name }) => name.startsWith(boards[board].serial.slice(-8))));
      eeproms[board] = { eeprom: outcome.eeprom, bootconf: outcome.bootconf };
    });

    it(`asks by its MAC address from then on, and has nothing to update (${board})`, async () => {
      const { requests, console, remarks } = booted(await boot(board));
      deepEqual(remarks, []);
      ok(requests.every(({ name }) => name.startsWith(`${prefix}/`)));
      match(console.join("\n"), /SELF-UPDATE timestamp current \d+ new \d+ skip/);
    });
  }

  it("of model 4 runs the kernel, device tree, overlay and initramfs that were published for it", async () => {
    const { files } = booted(await boot("pi4"));
    const parts = await bootFiles();
    ok(files.start?.bytes.equals(parts["start4.elf"] ?? Buffer.alloc(0)));
    ok(files.fixup?.bytes.equals(parts["fixup4.dat"] ?? Buffer.alloc(0)));
    const { console } = await bootInQemu({ machine: "raspi4b", files, until: userspace, deadline });
    equal(said(console, "generation"), await publishedGeneration("pi4"));
    equal(said(console, "model"), "Raspberry Pi 4 Model B");
    equal(said(console, "overlay"), "applied");
  });

  it("of model 5 runs the kernel and initramfs that were published for it, on a machine with its processor", async () => {
    const { files } = booted(await boot("pi5"));
    ok(files.deviceTree.bytes.equals((await bootFiles())["bcm2712-rpi-5-b.dtb"] ?? Buffer.alloc(0)));
    const { console } = await bootInQemu({ machine: "virt", files, until: userspace, deadline });
    equal(said(console, "generation"), await publishedGeneration("pi5"));
    match(console.join("\n"), /Booting Linux on physical CPU .*\[0x414fd0b1\]/, "the processor is a Cortex-A76");
  });

  it("finds what is too large for TFTP at the address on its command line", async () => {
    const { files } = booted(await boot("pi4"));
    const repository = /alpine_repo=(\S+)/.exec(files.commandLine)?.[1];
    const index = await fetch(`${repository}/aarch64/APKINDEX.tar.gz`);
    const { files: packages } = await apkRepository(boardPackages(), { arch: "aarch64" });
    ok(packages.get("APKINDEX.tar.gz")?.equals(Buffer.from(await index.arrayBuffer())));
  });

  for (const board of ["pi4", "pi5"] as const) {
    it(`boots one version whole when another is published while it boots (${board})`, async () => {
      const before = await publishedGeneration(board);
      let published: Promise<void> | undefined;
      const { files, remarks } = booted(
        await boot(board, {
          beforeRequest: async (name) => {
            // Once it has read config.txt and goes on to the system's files.
            if (published !== undefined || !name.includes(`${before}/`)) return;
            await edit("overlays: [bramble-test]", `overlays: [bramble-test]\n  parameters: [bramble.round=${board}]`);
            published = up();
            await published;
          },
        }),
      );
      const after = await publishedGeneration(board);
      notEqual(after, before);
      deepEqual(remarks, []);
      // It asks whether the old version is there, and may then boot the new one: what counts is what it runs.
      const used = [files.kernel, files.deviceTree, files.initramfs, ...files.overlays].map((file) => file?.name ?? "");
      const generations = new Set(used.map((name) => /[0-9a-f]{16}(?=\/)/.exec(name)?.[0]));
      equal(generations.size, 1, `it runs ${used.join(", ")}`);
      match(files.commandLine, new RegExp(`bramble.generation=${[...generations][0]}`));

      const next = booted(await boot(board));
      match(next.files.commandLine, new RegExp(`bramble.round=${board} bramble.generation=${after}`));
      await edit(`\n  parameters: [bramble.round=${board}]`, "");
      await up();
    });
  }

  it("is left without a boot server by `destroy`, which takes its services and folders", async () => {
    const { code, stdout, stderr } = await bramble("destroy");
    equal(code, 0, stdout + stderr);
    equal(await tower.run(["find", roots, "-mindepth", "2"]), "");
    const processes = await tower.run(["ps", "-e", "-o", "args="]);
    doesNotMatch(processes, /dnsmasq|nginx/);
  });
});

let made: Promise<Record<string, Buffer>> | undefined;

function bootFiles(): Promise<Record<string, Buffer>> {
  made ??= makeBootFiles();
  return made;
}

async function makeBootFiles(): Promise<Record<string, Buffer>> {
  const system = await piSystem();
  return await piBootFiles(system, {
    initramfs: initramfs(await readFile(`${system.root}/usr/bin/busybox`)),
    modloop: Buffer.from("no modules: this kernel is not Alpine's\n"),
  });
}

/** A userspace of one program, which says what it was started with. */
function initramfs(busybox: Buffer): Buffer {
  const entries: CpioEntry[] = ["bin", "dev", "proc", "sys"].map((path) => ({ path, kind: "folder" }));
  entries.push({ path: "dev/console", kind: "character-device", major: 5, minor: 1 });
  entries.push({ path: "bin/busybox", kind: "file", data: busybox, executable: true });
  entries.push({ path: "init", kind: "file", data: Buffer.from(init), executable: true });
  return cpio(entries);
}

const init = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
property() { /bin/busybox tr -d '\\0' 2>/dev/null </sys/firmware/devicetree/base/$1; }
for word in $(/bin/busybox cat /proc/cmdline); do
  case $word in bramble.generation=*) echo "userspace: generation is \${word#*=}" ;; esac
done
echo "userspace: model is $(property model)"
echo "userspace: overlay is $(property bramble-test)"
echo "userspace: reached"
exec /bin/busybox poweroff -f
`;
const userspace = /userspace: reached/;

/** What the userspace said about something. */
function said(console: QemuBoot["console"], what: string): string | undefined {
  return new RegExp(`userspace: ${what} is (.*)`).exec(console.join("\n"))?.[1];
}
