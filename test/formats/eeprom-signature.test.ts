import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { readEepromImage } from "../../formats/eeprom-image.ts";
import {
  type EepromSignature,
  eepromSignature,
  parseEepromSignature,
  printEepromSignature,
} from "../../formats/eeprom-signature.ts";
import { last2711, plain2712 } from "./eeprom-samples.ts";

const sha256 = "354150ca7a374e1b448ed3eb4adbf7a94eba4dcf626a688fd1355443096a97d3";
const hex = (length: number) =>
  fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length }).map((all) => all.join(""));

describe("eeprom-signature", () => {
  it("writes the lines that rpi-eeprom-digest writes", () => {
    const text = printEepromSignature({ sha256, timestamp: 1_700_000_000, targetSoc: "2711" });
    assert.equal(text, `${sha256}\nts: 1700000000\ntarget-soc: 2711\n`);
    assert.equal(text.length, 97);
    assert.equal(printEepromSignature({ sha256, timestamp: 1_700_000_000 }).length, 80);
  });

  it("signs an image with its hash and its chip", () => {
    const expected = createHash("sha256").update(plain2712.bytes).digest("hex");
    assert.deepEqual(eepromSignature(readEepromImage(plain2712.bytes), 12), {
      sha256: expected,
      timestamp: 12,
      targetSoc: "2712",
    });
  });

  it("gives no timestamp to an image that a board would skip or could not keep", () => {
    for (const timestamp of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      assert.throws(() => eepromSignature(readEepromImage(last2711.bytes), timestamp), /not a whole number of seconds/);
    }
  });

  it("reads every signature that it writes, and leaves undefined what is not there", () => {
    const signatures: fc.Arbitrary<EepromSignature> = fc.record(
      {
        sha256: hex(64),
        timestamp: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        targetSoc: fc.constantFrom("2711", "2712"),
        rsa2048: hex(512),
      },
      { requiredKeys: ["sha256"] },
    );
    fc.assert(
      fc.property(signatures, (signature) => {
        assert.deepEqual(parseEepromSignature(printEepromSignature(signature)), { ...signature });
      }),
    );
  });

  it("refuses to write what is no signature", () => {
    assert.throws(() => printEepromSignature({ sha256: sha256.toUpperCase() }), /sha256.*64 hex digits in lower case/);
    assert.throws(() => printEepromSignature({ sha256, timestamp: 0.5 }), /timestamp is "0\.5"/);
  });

  it("refuses garbage, and says where", () => {
    const cases: [string, RegExp][] = [
      ["", /first line is ""/],
      ["<html>404 Not Found</html>\n", /first line is "<html>404 Not Found<\/html>"/],
      [`${sha256}  pieeprom.upd\n`, /first line is/],
      [`${sha256}\r\nts: 1\r\n`, /first line is/],
      [`${sha256}\nts: soon\n`, /ts: is "soon"; expected: seconds since 1970/],
      [`${sha256}\nts: 1\nts: 2\n`, /two lines ts:/],
      [`${sha256}\ntarget-soc: 2710\n`, /target-soc: is "2710"; expected: 2711 or 2712/],
      [`${sha256}\n\n`, /line is ""/],
      [`${sha256}\nrsa4096: 00\n`, /line is "rsa4096: 00"; expected: ts:, target-soc:, rsa2048:/],
    ];
    for (const [text, message] of cases) assert.throws(() => parseEepromSignature(text), message, text);
  });
});
