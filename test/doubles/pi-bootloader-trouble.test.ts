import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dnsmasqProgram } from "./dnsmasq.ts";
import { boards, booted, bytes, failed, pi4Files, pi5Files } from "./pi-bootloader/samples.ts";
import { bootPi, type PiBoot } from "./pi-bootloader.ts";
import { serveFolder, type TftpFolder } from "./tftp-folder.ts";
import { badCable, goodCable } from "./udp-channel.ts";

describe("a Raspberry Pi that boots from the network", function () {
  this.timeout(120_000);
  let served: TftpFolder;

  before(function () {
    if (process.getuid?.() !== 0 || !existsSync(dnsmasqProgram)) this.skip();
  });
  beforeEach(async () => {
    served = await serveFolder();
  });
  afterEach(() => served?.remove());

  const boot = (options: Partial<PiBoot> = {}) => bootPi({ ...boards.pi4, server: served.dnsmasq, ...options });

  describe("and finds an update of its bootloader", () => {
    const image = eepromImage(524_288, "[all]\nBOOT_ORDER=0xf2\nTFTP_PREFIX=2\n");
    const update = { "pieeprom.upd": image, "pieeprom.sig": `${sha256(image)}\nts: 1700000000\n` };

    it("flashes it and resets, and boots next by its settings", async () => {
      await served.publish("9ffefdef", { ...pi4Files, ...update });
      await served.publish("dc-a6-32-01-36-c2", { ...pi4Files, ...update });
      const outcome = await boot({ eeprom: { updateTimestamp: 1_600_000_000 } });
      if (outcome.kind !== "flashed") throw new Error(`it did not flash: ${JSON.stringify(outcome)}`);
      deepEqual(outcome.eeprom, { updateTimestamp: 1_700_000_000, image });
      deepEqual(outcome.bootconf, { BOOT_ORDER: "0xf2", TFTP_PREFIX: "2" });
      const next = booted(await boot(outcome));
      equal(next.requests[0]?.name, "dc-a6-32-01-36-c2/start4.elf");
      ok(next.console.includes("SELF-UPDATE timestamp current 1700000000 new 1700000000 skip"));
    });

    it("skips one that is not newer than its own", async () => {
      await served.publish("9ffefdef", { ...pi4Files, ...update });
      const { console, requests } = booted(await boot({ eeprom: { updateTimestamp: 1_700_000_001 } }));
      ok(console.includes(`SIG pieeprom.sig ${sha256(image)} 1700000000`));
      ok(console.includes("SELF-UPDATE timestamp current 1700000001 new 1700000000 skip"));
      ok(!requests.some(({ name }) => name.endsWith("pieeprom.upd")));
    });

    it("skips one without a time", async () => {
      await served.publish("9ffefdef", { ...pi4Files, ...update, "pieeprom.sig": `${sha256(image)}\n` });
      match(booted(await boot()).console.join("\n"), /SELF-UPDATE timestamp current 0 new 0 skip/);
    });

    it("refuses one whose hash is not that of its signature file", async () => {
      await served.publish("9ffefdef", { ...pi4Files, ...update, "pieeprom.upd": eepromImage(524_288, "[all]\n") });
      const { remarks } = booted(await boot());
      match(remarks.join(), /^pieeprom\.upd is not flashed: its SHA-256 is [0-9a-f]{64}, pieeprom\.sig says/);
    });

    it("refuses one for the other chip", async () => {
      const other = eepromImage(2_097_152, "[all]\n");
      await served.publish("9ffefdef", {
        ...pi4Files,
        "pieeprom.upd": other,
        "pieeprom.sig": `${sha256(other)}\nts: 1\n`,
      });
      equal(booted(await boot()).remarks[0], "pieeprom.upd is not flashed: 2097152 bytes are no image for a BCM2711");
    });

    for (const [what, options, config] of [
      ["ENABLE_SELF_UPDATE=0", { bootconf: { ...boards.pi4.bootconf, ENABLE_SELF_UPDATE: "0" } }, ""],
      ["FREEZE_VERSION=1", { bootconf: { ...boards.pi4.bootconf, FREEZE_VERSION: "1" } }, ""],
      ["bootloader_update=0 in config.txt", {}, "bootloader_update=0\n"],
    ] as const) {
      it(`does not ask for it with ${what}`, async () => {
        await served.publish("9ffefdef", {
          ...pi4Files,
          ...update,
          "config.txt": `${config}${pi4Files["config.txt"]}`,
        });
        const { requests } = booted(await boot(options));
        ok(!requests.some(({ name }) => name.endsWith("pieeprom.sig")));
      });
    }
  });

  describe("over a bad cable", () => {
    it("boots from it all the same, whichever datagrams are lost, doubled and overtaken", async () => {
      await served.publish("9ffefdef", pi4Files);
      await served.publish("e512421f", pi5Files);
      const patient = { resendAfter: 500, bootconf: { ...boards.pi4.bootconf, TFTP_FILE_TIMEOUT: "300000" } };
      const good = { pi4: booted(await boot()).files, pi5: booted(await boot(boards.pi5)).files };
      const trips = [1, 2, 3].flatMap((seed) => [
        { seed, name: "pi4" } as const,
        { seed: seed + 10, name: "pi5" } as const,
      ]);
      await Promise.all(
        trips.map(async ({ seed, name }) => {
          const channel = badCable({ seed, loss: 0.05, duplicates: 0.05, reordering: 0.1 });
          deepEqual(booted(await boot({ ...boards[name], ...patient, channel })).files, good[name]);
          const { lost, doubled, heldBack } = channel.counts;
          ok(lost > 0 && doubled > 0 && heldBack > 0, JSON.stringify(channel.counts));
        }),
      );
    });

    it("ends a file that takes too long, and says so: a Pi 4 starts over, a Pi 5 hangs", async () => {
      await served.publish("9ffefdef", { ...pi4Files, vmlinuz: bytes(200_000, "long") });
      await served.publish("e512421f", { ...pi5Files, initrd: bytes(200_000, "long") });
      const only = { bootconf: { ...boards.pi4.bootconf, TFTP_FILE_TIMEOUT: "5000" } };
      const cable = () => {
        // Good until it carries the large file.
        const bad = badCable({ seed: 1, loss: 0.3 });
        let channel = goodCable;
        return {
          beforeRequest: (name: string) => {
            channel = /vmlinuz|initrd/.test(name) ? bad : goodCable;
          },
          channel: {
            pass: (datagram: Buffer, deliver: (each: Buffer) => void) => channel.pass(datagram, deliver),
          },
        };
      };
      const [four, five] = await Promise.all([
        boot({ ...only, ...cable() }),
        boot({ ...boards.pi5, ...only, ...cable() }),
      ]);
      deepEqual([failed(four).next, failed(five).next], ["restart", "hang"]);
      match(failed(five).why, /^e512421f\/\/initrd: not complete within/);
    });
  });
});

/** An image with one section of code, bootconf.txt at the next 4 KiB, and nothing after it (reference §3.1). */
function eepromImage(size: number, bootconf: string): Buffer {
  const image = Buffer.alloc(size, 0xff);
  const section = (at: number, magic: number, content: Buffer) => {
    image.writeUInt32BE(magic, at);
    image.writeUInt32BE(content.length, at + 4);
    content.copy(image, at + 8);
  };
  section(0, 0x55aaf00f, Buffer.alloc(0xff0, 1));
  section(0xff8, 0x55aafeef, Buffer.alloc(0));
  section(0x1000, 0x55aaf11f, Buffer.from(`bootconf.txt\0\0\0\0${bootconf}`));
  return image;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
