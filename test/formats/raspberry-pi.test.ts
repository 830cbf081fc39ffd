import assert from "node:assert/strict";
import { decodeRevision, piModels, tftpPrefix } from "../../formats/raspberry-pi.ts";

describe("raspberry-pi", () => {
  describe("the name of a boot folder", () => {
    it("is the last 8 digits of the serial number, with its zeros, however that is written", () => {
      for (const serial of ["10000000_9FFEFDEF", "100000009ffefdef", "9FFEFDEF"]) {
        assert.equal(tftpPrefix({ kind: "serial", serial }), "9ffefdef");
      }
      // A Pi 5: its high half is no 10000000, and does not count either.
      assert.equal(tftpPrefix({ kind: "serial", serial: "0c8f7e5c000098ae" }), "000098ae");
    });

    it("is the MAC address in lower case with dashes", () => {
      assert.equal(tftpPrefix({ kind: "mac", mac: "DC:A6:32:01:36:C2" }), "dc-a6-32-01-36-c2");
    });

    it("is a fixed text as it is", () => {
      assert.equal(tftpPrefix({ kind: "fixed", text: "pi1" }), "pi1");
    });

    it("is refused where no bootloader would ask for it", () => {
      const bad = /cannot name a boot folder: use up to 30 letters/;
      for (const text of ["", "a/b", "..", ".bramble", "pi 1", "pí1", "x".repeat(31)]) {
        assert.throws(() => tftpPrefix({ kind: "fixed", text }), bad, text);
      }
      for (const serial of ["", "98ae", "9ffefdeg", "0x9ffefdef", "9ffefdef\n"]) {
        assert.throws(() => tftpPrefix({ kind: "serial", serial }), /is not the serial number/, serial);
      }
      for (const mac of ["", "dc:a6:32:01:36", "dca6320136c2", "dc:a6:32:01:36:c2\n"]) {
        assert.throws(() => tftpPrefix({ kind: "mac", mac }), /is not a MAC address/, mac);
      }
    });
  });

  describe("a revision code", () => {
    // Codes from the documentation's list, "Raspberry Pi revision codes".
    const known: [number, ReturnType<typeof decodeRevision>][] = [
      [0xc03114, { model: "pi4b", memoryMiB: 4096, board: 4 }],
      [0xd03115, { model: "pi4b", memoryMiB: 8192, board: 5 }],
      [0xc03130, { model: "pi400", memoryMiB: 4096, board: 0 }],
      [0xa03140, { model: "cm4", memoryMiB: 1024, board: 0 }],
      [0xd04171, { model: "pi5", memoryMiB: 8192, board: 1 }],
      [0xe04180, { model: "cm5", memoryMiB: 16384, board: 0 }],
      [0xb041a0, { model: "cm5", memoryMiB: 2048, board: 0 }],
      [0xe04190, { model: "pi500", memoryMiB: 16384, board: 0 }],
      [0xa02082, { model: undefined, memoryMiB: 1024, board: 2 }],
    ];

    it("says model, memory and board revision", () => {
      for (const [code, revision] of known) assert.deepEqual(decodeRevision(code), revision, code.toString(16));
    });

    it("says the same when the bits for warranty and overvoltage are set", () => {
      for (const [code, revision] of known) assert.deepEqual(decodeRevision((code | 0xe2000000) >>> 0), revision);
    });

    it("says nothing in the codes of the first Pis, or in what is no code", () => {
      for (const code of [0x10, 0x1, 0, -1, 2 ** 32 + 0xc03114, 1.5, Number.NaN]) {
        assert.equal(decodeRevision(code), undefined, String(code));
      }
    });
  });

  it("gives every model device trees of its own chip, and firmware only where the EEPROM has none", () => {
    for (const { chip, firmware, deviceTrees, overlays } of Object.values(piModels)) {
      assert.ok(deviceTrees.length > 0);
      for (const name of deviceTrees) assert.ok(name.startsWith(`bcm${chip}`), name);
      assert.equal(firmware.length, chip === "2711" ? 2 : 0);
      assert.equal(overlays.includes("bcm2712d0"), chip === "2712");
    }
  });
});
