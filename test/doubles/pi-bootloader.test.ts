import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { dnsmasqProgram } from "./dnsmasq.ts";
import { boards, booted, bytes, failed, pi4Files, pi5Files, sequence } from "./pi-bootloader/samples.ts";
import { bootPi, type PiBoot } from "./pi-bootloader.ts";
import { type Folder, serveFolder, type TftpFolder } from "./tftp-folder.ts";
import { startPlainTftpServer } from "./tftp-server.ts";

describe("a Raspberry Pi that boots from the network", () => {
  let served: TftpFolder;

  before(function () {
    if (process.getuid?.() !== 0 || !existsSync(dnsmasqProgram)) this.skip();
  });
  beforeEach(async () => {
    served = await serveFolder();
  });
  afterEach(() => served?.remove());

  const boot = (options: Partial<PiBoot> = {}) => bootPi({ ...boards.pi4, server: served.dnsmasq, ...options });

  describe("of model 4", () => {
    it("asks for its files in the order of its two programs, and has them all", async () => {
      await served.publish("9ffefdef", pi4Files);
      const { requests, files, remarks } = booted(await boot());
      deepEqual(sequence(requests, "9ffefdef/"), [
        "probe start4.elf",
        "read config.txt",
        "read pieeprom.sig missing",
        "probe recover4.elf missing",
        "probe recovery.elf missing",
        "read start4.elf",
        "read fixup4.dat",
        "probe recovery.elf missing",
        "probe config.txt",
        "read config.txt",
        "probe dt-blob.bin missing",
        "probe recovery.elf missing",
        "read config.txt",
        "probe bootcfg.txt missing",
        "read initrd",
        "read more",
        "probe bcm2711-rpi-4-b.dtb",
        "read bcm2711-rpi-4-b.dtb",
        "probe overlays/overlay_map.dtb missing",
        "read config.txt",
        "read overlays/disable-bt.dtbo",
        "read cmdline.txt",
        "probe recovery8.img missing",
        "probe vmlinuz",
        "probe armstub8-gic.bin missing",
        "read vmlinuz",
      ]);
      deepEqual(files.start, { name: "start4.elf", bytes: pi4Files["start4.elf"] });
      deepEqual(files.fixup?.bytes, pi4Files["fixup4.dat"]);
      deepEqual(files.kernel, { name: "vmlinuz", bytes: pi4Files.vmlinuz });
      deepEqual(files.initramfs?.bytes, Buffer.concat([bytes(2048, "initrd"), bytes(10, "more")]));
      deepEqual(files.deviceTree, { name: "bcm2711-rpi-4-b.dtb", bytes: pi4Files["bcm2711-rpi-4-b.dtb"] });
      deepEqual(files.overlays, [{ name: "overlays/disable-bt.dtbo", bytes: pi4Files["overlays/disable-bt.dtbo"] }]);
      equal(files.commandLine, "console=serial0,115200 quiet");
      deepEqual(remarks, []);
    });

    it("says on its console what it asks for, and dnsmasq logs its probes as errors", async () => {
      await served.publish("9ffefdef", pi4Files);
      const { console } = booted(await boot());
      ok(console.includes(`TFTP_GET: ${boards.pi4.mac} ${served.dnsmasq.address} 9ffefdef/start4.elf`));
      match(console.join("\n"), /^TFTP 1: file .*9ffefdef\/recover4\.elf not found/m);
      match(served.dnsmasq.log.join("\n"), /error 0 Early terminate received/);
    });

    it("finds an empty server as real ones do: at the root from its third question on", async () => {
      const outcome = failed(await boot());
      deepEqual(
        outcome.requests.map(({ name }) => name),
        [
          "9ffefdef/start4.elf",
          "9ffefdef/start.elf",
          "config.txt",
          "pieeprom.sig",
          "recover4.elf",
          "recovery.elf",
          "start4.elf",
          "start.elf",
        ],
      );
      match(outcome.why, /^start4\.elf: the server answers 1, file .* not found/);
      equal(outcome.next, "restart");
    });

    it("boots what lies at the root when start4.elf is only there, and not its own folder", async () => {
      await served.publish("", { ...pi4Files, "cmdline.txt": "of=root" });
      await served.publish("9ffefdef", { ...pi4Files, "cmdline.txt": "of=board" });
      await rm(join(served.root, "9ffefdef/start4.elf"));
      const { files, remarks } = booted(await boot());
      equal(files.commandLine, "of=root");
      deepEqual(remarks, ["no start4.elf below 9ffefdef/: the prefix is dropped"]);
    });

    for (const [bootconf, prefix] of [
      [{}, "9ffefdef"],
      [{ TFTP_PREFIX: "2" }, "dc-a6-32-01-36-c2"],
      [{ TFTP_PREFIX: "1", TFTP_PREFIX_STR: "shelf/one/" }, "shelf/one"],
    ] as const) {
      it(`has its files below ${prefix} with ${JSON.stringify(bootconf)}`, async () => {
        await served.publish(prefix, pi4Files);
        booted(await boot({ bootconf: { ...boards.pi4.bootconf, ...bootconf } }));
      });
    }

    it("goes to the server of its own settings, whatever DHCP says", async () => {
      await served.publish("9ffefdef", pi4Files);
      booted(
        await boot({
          server: { address: "127.0.0.1" },
          bootconf: { ...boards.pi4.bootconf, TFTP_IP: served.dnsmasq.address },
        }),
      );
    });

    it("asks for nothing when its boot order has no network in it, as a factory board's", async () => {
      const outcome = failed(await boot({ bootconf: {} }));
      deepEqual([outcome.requests, outcome.why, outcome.next], [[], "BOOT_ORDER 0xf41 has no network in it", "other"]);
    });

    it("takes kernel, device tree, initramfs, command line and overlays from os_prefix", async () => {
      await served.publish("9ffefdef", {
        ...generation("g7/"),
        "config.txt": `os_prefix=g7/\n${pi4Files["config.txt"]}`,
      });
      const { files, remarks } = booted(await boot());
      deepEqual(
        [files.kernel, files.deviceTree, ...files.overlays].map(({ name }) => name),
        ["g7/vmlinuz", "g7/bcm2711-rpi-4-b.dtb", "g7/overlays/disable-bt.dtbo"],
      );
      equal(files.initramfs?.name, "g7/initrd,g7/more");
      equal(files.commandLine, "generation=g7/");
      deepEqual(remarks, []);
    });

    it("does not follow os_prefix when the device tree is not below it", async () => {
      await served.publish("9ffefdef", {
        ...pi4Files,
        ...generation("g7/"),
        "config.txt": `os_prefix=g7/\n${pi4Files["config.txt"]}`,
      });
      await rm(join(served.root, "9ffefdef/g7/bcm2711-rpi-4-b.dtb"));
      const { files, remarks } = booted(await boot());
      equal(files.kernel.name, "vmlinuz");
      equal(files.commandLine, "console=serial0,115200 quiet");
      deepEqual(remarks, ["os_prefix=g7/ is not followed: kernel and device tree are not both there"]);
    });

    it("takes overlays from beside os_prefix when they have no README below it", async () => {
      await served.publish("9ffefdef", {
        ...pi4Files,
        ...generation("g7/"),
        "config.txt": `os_prefix=g7/\n${pi4Files["config.txt"]}`,
      });
      await rm(join(served.root, "9ffefdef/g7/overlays/README"));
      deepEqual(
        booted(await boot()).files.overlays.map(({ name }) => name),
        ["overlays/disable-bt.dtbo"],
      );
    });

    it("fails without a device tree, and goes on along its boot order", async () => {
      await served.publish("9ffefdef", pi4Files);
      await rm(join(served.root, "9ffefdef/bcm2711-rpi-4-b.dtb"));
      const outcome = failed(await boot({ bootconf: { BOOT_ORDER: "0xf12" } }));
      equal(outcome.why, "no device tree: 9ffefdef/bcm2711-rpi-4-b.dtb");
      equal(outcome.next, "other");
    });

    it("runs a recovery program that is there, and so does not boot", async () => {
      await served.publish("9ffefdef", { ...pi4Files, "recovery.elf": "x" });
      equal(failed(await boot()).why, "9ffefdef/recovery.elf is there, and is run");
    });

    it("passes over config.txt of 4,096 bytes, and not of 4,095", async () => {
      const text = pi4Files["config.txt"];
      await served.publish("9ffefdef", { ...pi4Files, "config.txt": text.padEnd(4095, "\n") });
      equal(booted(await boot()).files.kernel.name, "vmlinuz");
      await served.publish("9ffefdef", { ...pi4Files, "config.txt": text.padEnd(4096, "\n") });
      const outcome = failed(await boot());
      equal(outcome.why, "no kernel: 9ffefdef/kernel8.img");
      deepEqual(outcome.remarks, ["config.txt is passed over: it has 4096 bytes"]);
    });

    it("passes over config.txt from a server that does not answer options", async () => {
      const files = Object.entries({ ...pi4Files, "kernel8.img": bytes(5000, "default") });
      const all = new Map(files.map(([name, content]) => [`9ffefdef/${name}`, Buffer.from(content)]));
      const plain = await startPlainTftpServer(all, { answersOptions: false });
      try {
        const { files: found, remarks } = booted(await boot({ server: plain }));
        deepEqual(found.kernel, { name: "kernel8.img", bytes: bytes(5000, "default") });
        deepEqual(remarks, ["config.txt is passed over: the server does not answer options"]);
      } finally {
        await plain.stop();
      }
    });

    it("reads include files only in its second program, and start_file in its first", async () => {
      await served.publish("9ffefdef", {
        ...pi4Files,
        "config.txt": "start_file=s.elf\ninclude more.txt\n",
        "more.txt": "kernel=vmlinuz\nfixup_file=never.dat\n",
        "s.elf": "other",
      });
      const { files } = booted(await boot());
      deepEqual([files.start?.name, files.fixup?.name, files.kernel.name], ["s.elf", "fixup4.dat", "vmlinuz"]);
    });

    it("follows the filters of its model and serial number, and holds unknown ones for true", async () => {
      const config = `kernel=none\n[pi5]\nkernel=five\n[0x9ffefdef]\nkernel=never\n[all]\n[0x9ffefdef]\n[pi4]\nkernel=vmlinuz\n[all]\n[none]\nkernel=none\n[all]\n[pi6]\ninitramfs initrd\n`;
      await served.publish("9ffefdef", { ...pi4Files, "config.txt": config });
      const { files } = booted(await boot());
      deepEqual([files.kernel.name, files.initramfs?.name], ["vmlinuz", "initrd"]);
    });

    it("sees each reading of config.txt for itself: what is published while it boots is mixed in", async () => {
      await served.publish("9ffefdef", { ...pi4Files, new: bytes(70, "new kernel") });
      const beforeRequest = async (name: string) => {
        if (name === "9ffefdef/dt-blob.bin") await served.publish("9ffefdef", { "config.txt": "kernel=new\n" });
      };
      deepEqual(booted(await boot({ beforeRequest })).files.kernel, { name: "new", bytes: bytes(70, "new kernel") });
    });
  });

  describe("of model 5", () => {
    it("asks for its files in its own order, with two slashes, and for no start4.elf", async () => {
      await served.publish("e512421f", pi5Files);
      const { requests, files, remarks } = booted(await boot(boards.pi5));
      deepEqual(sequence(requests, "e512421f/"), [
        "read config.txt",
        "probe bcm2712-rpi-5-b.dtb",
        "read pieeprom.sig missing",
        "read /config.txt",
        "probe /kernel_2712.img missing",
        "probe /kernel8.img",
        "probe /bcm2712-rpi-5-b.dtb",
        "read /bcm2712-rpi-5-b.dtb",
        "read /initrd",
        "read /cmdline.txt",
        "read /armstub8-2712.bin missing",
        "read /kernel8.img",
      ]);
      deepEqual(files.kernel, { name: "kernel8.img", bytes: pi5Files["kernel8.img"] });
      deepEqual(files.initramfs?.bytes, pi5Files.initrd);
      equal(files.commandLine, "console=ttyAMA10,115200");
      deepEqual([files.overlays, remarks], [[], []]);
    });

    it("adds its overlay on later silicon", async () => {
      await served.publish("e512421f", pi5Files);
      const { files } = booted(await boot({ ...boards.pi5, stepping: "d0" }));
      deepEqual(
        files.overlays.map(({ name }) => name),
        ["overlays/bcm2712d0.dtbo"],
      );
    });

    it("drops the prefix when its folder has no device tree for it, and finds nothing at the root", async () => {
      await served.publish("e512421f", pi5Files);
      await rm(join(served.root, "e512421f/bcm2712-rpi-5-b.dtb"));
      const outcome = failed(await boot(boards.pi5));
      equal(outcome.why, "nothing to boot: no device tree for this board below e512421f/, no config.txt");
      deepEqual(outcome.requests.at(-1), { stage: "eeprom", name: "config.txt", kind: "read", result: "missing" });
    });

    it("throws its config.txt away when the server takes two slashes for another name", async () => {
      const all = new Map(
        Object.entries(pi5Files).map(([name, content]) => [`e512421f/${name}`, Buffer.from(content)]),
      );
      const plain = await startPlainTftpServer(all, { answersOptions: true });
      try {
        const outcome = failed(await boot({ ...boards.pi5, server: plain }));
        match(outcome.why, /^e512421f\/\/config\.txt did not come/);
        deepEqual(sequence(outcome.requests, "e512421f//").slice(-3), [
          "probe kernel_2712.img missing",
          "probe kernel8.img missing",
          "probe kernel8_rt.img missing",
        ]);
      } finally {
        await plain.stop();
      }
    });

    it("takes its files from os_prefix", async () => {
      const below = Object.fromEntries(Object.entries(pi5Files).map(([name, content]) => [`g1/${name}`, content]));
      await served.publish("e512421f", { ...below, "config.txt": "os_prefix=g1/\ninitramfs initrd followkernel\n" });
      const { files } = booted(await boot(boards.pi5));
      deepEqual([files.kernel.name, files.deviceTree.name], ["g1/kernel8.img", "g1/bcm2712-rpi-5-b.dtb"]);
      equal(files.initramfs?.name, "g1/initrd");
    });
  });
});

/** The files of `pi4Files` as one generation below os_prefix, and the firmware beside it. */
function generation(prefix: string): Folder {
  const own = Object.entries(pi4Files).filter(([name]) => !/^(config|start4|fixup4)/.test(name));
  return {
    ...Object.fromEntries(own.map(([name, content]) => [prefix + name, content])),
    [`${prefix}cmdline.txt`]: `generation=${prefix}`,
    [`${prefix}overlays/README`]: "x",
    "start4.elf": pi4Files["start4.elf"],
    "fixup4.dat": pi4Files["fixup4.dat"],
  };
}
