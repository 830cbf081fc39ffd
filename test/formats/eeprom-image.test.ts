import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  eepromFile,
  readEepromImage,
  replaceEepromFile,
  requireChip,
  roomFor,
  withUpdateTimestamp,
} from "../../formats/eeprom-image.ts";
import {
  ab2712,
  config2711,
  config2712,
  last2711,
  padded2711,
  plain2712,
  releaseText,
  samples,
} from "./eeprom-samples.ts";

const config = "bootconf.txt";
/** The 49 bytes of the reference's examples. */
const example = Buffer.from("[all]\nBOOT_UART=1\nBOOT_ORDER=0xf21\nTFTP_PREFIX=0\n");

describe("eeprom-image", () => {
  it("reads the chip, the layout and what the program says of itself", () => {
    const release = { buildTimestamp: 1778976000, version: "0a1b2c3d", date: "2026/05/17", manufacturingVersion: 1 };
    const facts = samples.map(({ bytes }) => {
      const image = readEepromImage(bytes);
      assert.deepEqual(image.release, release);
      return `${image.chip} ${image.layout}`;
    });
    assert.deepEqual(facts, ["2711 single", "2711 single", "2711 single", "2712 single", "2712 a/b"]);
  });

  it("does not take what stands in bootconf.txt for the program's text, nor the end of a longer word", () => {
    const blank = Buffer.from(last2711.bytes);
    blank.fill(1, 8, 8 + releaseText.length);
    blank.write("SELF-UPDATE: skip\0", 8);
    const text = Buffer.from("[all]\n# VERSION:deadbeef BUILD_TIMESTAMP=1 MFG_VER: 9\n");
    assert.deepEqual(readEepromImage(replaceEepromFile(blank, config, text)).release, {});
  });

  it("walks the sections of an image with two partitions to their end", () => {
    const { sections } = readEepromImage(ab2712.bytes);
    const tail = sections.slice(-5).map(({ offset, kind, length, name }) => [offset, name ?? kind, length]);
    assert.deepEqual(tail, [
      [0xa2a00, "bootconf.sig", 1040],
      [0xa2e18, "padding", 480],
      [0xa3000, "bootconf.txt", 78],
      [0xa3058, "padding", 409_504],
      [0x107000, "padding", 1_011_704],
    ]);
  });

  it("gives the files that can be edited", () => {
    assert.equal(text(eepromFile(readEepromImage(last2711.bytes), config)), config2711);
    assert.equal(text(eepromFile(readEepromImage(ab2712.bytes), config)), config2712);
    assert.equal(eepromFile(readEepromImage(ab2712.bytes), "bootconf.sig")?.length, 1024);
    assert.equal(eepromFile(readEepromImage(plain2712.bytes), "bootsys"), undefined);
  });

  it("writes the header that the bootloader reads", () => {
    assert.equal(sha256(example), "558e8896a9a285c325e6e956108011a09c4e4f1e38d4282453efb6898abacfaf");
    const edited = Buffer.from(replaceEepromFile(last2711.bytes, config, example));
    const header = edited.subarray(last2711.configOffset, last2711.configOffset + 24).toString("hex");
    assert.equal(header, "55aaf11f00000041626f6f74636f6e662e74787400000000");
  });

  for (const sample of samples) {
    describe(sample.title, () => {
      it("stays identical when it gets the files that it has", () => {
        for (const name of [config, "bootconf.sig", "pubkey.bin", "cacert.der", "updatetime"]) {
          const content = eepromFile(readEepromImage(sample.bytes), name);
          if (content === undefined) continue;
          assert.equal(sha256(replaceEepromFile(sample.bytes, name, content)), sha256(sample.bytes), name);
        }
      });

      it("keeps every byte outside of the space for bootconf.txt, which reads back, whatever is written first", () => {
        const contents = fc.uint8Array({ maxLength: sample.room });
        fc.assert(
          fc.property(contents, contents, (first, second) => {
            const edited = replaceEepromFile(replaceEepromFile(sample.bytes, config, first), config, second);
            assert.equal(sha256(edited), sha256(replaceEepromFile(sample.bytes, config, second)));
            assertSameOutside(sample.bytes, edited, sample.configOffset + 4, sample.spaceEnd);
            const image = readEepromImage(edited);
            assert.deepEqual(Buffer.from(eepromFile(image, config) ?? []), Buffer.from(second));
            assert.deepEqual(fileOffsets(edited), fileOffsets(sample.bytes));
          }),
          { numRuns: 40 },
        );
      });

      it("takes a bootconf.txt of every length up to its room, and not a byte more", () => {
        const image = readEepromImage(sample.bytes);
        assert.equal(roomFor(image, config), sample.room);
        for (let length = sample.room - 20; length <= sample.room; length++) {
          const edited = replaceEepromFile(sample.bytes, config, new Uint8Array(length).fill(0x23));
          assertSameOutside(sample.bytes, edited, sample.configOffset + 4, sample.spaceEnd);
          assert.deepEqual(fileOffsets(edited), fileOffsets(sample.bytes));
        }
        assert.throws(
          () => replaceEepromFile(sample.bytes, config, new Uint8Array(sample.room + 3)),
          new RegExp(`has ${sample.room + 3} bytes.* room for ${sample.room}\\. Make it 3 bytes shorter`),
        );
      });

      it("is refused when it is cut off, wherever that is", () => {
        const cuts = [0, 4096, 524_288, sample.bytes.length - 1].filter((length) => length < sample.bytes.length);
        for (const length of cuts) assertRefused(sample.bytes.subarray(0, length));
        const lengths = fc.integer({ min: 0, max: sample.bytes.length - 1 });
        fc.assert(fc.property(lengths, (length) => assertRefused(sample.bytes.subarray(0, length))));
      });

      it("is refused when it is cut off and filled up before its bootconf.txt", () => {
        fc.assert(
          fc.property(fc.integer({ min: 0, max: sample.configOffset }), fc.constantFrom(0, 0xff), (length, filling) => {
            const bytes = new Uint8Array(sample.bytes.length).fill(filling);
            bytes.set(sample.bytes.subarray(0, length));
            assertRefused(bytes);
          }),
          { numRuns: 20 },
        );
      });
    });
  }

  it("writes padding behind a file unless nothing follows it", () => {
    const [last, padded] = [last2711, padded2711].map((sample) =>
      Buffer.from(replaceEepromFile(sample.bytes, config, example)).subarray(sample.configOffset + 24 + 49),
    );
    assert.equal(last?.subarray(0, 17).toString("hex"), "ff".repeat(17));
    const length = 0x1000 - 24 - 56 - 8;
    const header = `55aafeef${length.toString(16).padStart(8, "0")}`;
    assert.equal(padded?.subarray(0, 17).toString("hex"), `${"ff".repeat(7)}${header}ffff`);
  });

  it("leaves the given image alone, a Buffer too", () => {
    const given = Buffer.from(ab2712.bytes);
    const before = sha256(given);
    const edited = replaceEepromFile(given, config, example);
    withUpdateTimestamp(given, 1_700_000_000);
    eepromFile(readEepromImage(given), config)?.fill(0);
    assert.equal(sha256(given), before);
    assert.notEqual(sha256(edited), before);
  });

  it("refuses a broken chain with the place where it breaks", () => {
    const broken = new Uint8Array(plain2712.bytes);
    new DataView(broken.buffer).setUint32(0x80000, 0x12345678);
    assert.throws(() => readEepromImage(broken), /corrupt: at 0x80000 there is 0x12345678/);
    const long = new Uint8Array(plain2712.bytes);
    new DataView(long.buffer).setUint32(0x80004, 0x7fffffff);
    assert.throws(() => readEepromImage(long), /section at 0x80000 claims 2147483647 bytes/);
  });

  it("refuses a file that the image lacks, and says which it has", () => {
    assert.throws(
      () => replaceEepromFile(plain2712.bytes, "bootconf.sig", example),
      /holds no file "bootconf\.sig" to replace; it has bootconf\.txt, cacert\.der/,
    );
    assert.equal(roomFor(readEepromImage(plain2712.bytes), "bootconf.sig"), 0);
  });

  it("refuses an image of the other chip with both names", () => {
    requireChip(readEepromImage(plain2712.bytes), "2712");
    assert.throws(
      () => requireChip(readEepromImage(last2711.bytes), "2712"),
      /for the 2711 \(Pi 4 family\), but the board has a 2712 \(Pi 5 family\)/,
    );
  });

  it("puts an update timestamp at the image's end, or into both update times of an image with partitions", () => {
    const pair = "00 0e ac 9a ff f1 53 65".replaceAll(" ", "");
    const at = (bytes: Uint8Array, offset: number) => Buffer.from(bytes.subarray(offset, offset + 8)).toString("hex");
    const single = withUpdateTimestamp(last2711.bytes, 0x6553f1ff);
    assert.equal(at(single, single.length - 8), pair);
    assertSameOutside(last2711.bytes, single, single.length - 8, single.length);
    const partitioned = withUpdateTimestamp(ab2712.bytes, 0x6553f1ff);
    assert.deepEqual([at(partitioned, 0xf000 + 24), at(partitioned, 0xa2000 + 24)], [pair, pair]);
    assertSameOutside(ab2712.bytes, partitioned, 0xf000 + 24, 0xa2000 + 32);
    assert.throws(() => withUpdateTimestamp(last2711.bytes, 2 ** 32), /not a whole number of seconds/);
  });
});

/** Where the sections begin that are not padding. */
function fileOffsets(bytes: Uint8Array): readonly number[] {
  return readEepromImage(bytes).sections.flatMap(({ kind, offset }) => (kind === "padding" ? [] : [offset]));
}

function assertRefused(bytes: Uint8Array): void {
  assert.throws(() => readEepromImage(bytes), /EEPROM image/);
  assert.throws(() => replaceEepromFile(bytes, config, example), /EEPROM image/);
}

function assertSameOutside(before: Uint8Array, after: Uint8Array, from: number, to: number): void {
  assert.equal(after.length, before.length);
  assert.equal(Buffer.compare(before.subarray(0, from), after.subarray(0, from)), 0);
  assert.equal(Buffer.compare(before.subarray(to), after.subarray(to)), 0);
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
