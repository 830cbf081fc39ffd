import assert from "node:assert/strict";
import fc from "fast-check";
import { apkVersionFits, compareApkVersions, isApkVersion, type VersionOperator } from "../../formats/apk-version.ts";
import { apkVersion } from "./apk-samples.ts";

describe("apk-version", () => {
  it("orders versions as Alpine's packages have them", () => {
    const rising = [
      ...["0.1_alpha", "0.1_alpha2", "0.1_beta", "0.1_pre3", "0.1_rc1", "0.1_rc2", "0.1", "0.1-r1", "0.1-r10"],
      ...["0.1_git20240101", "0.1_p1", "0.1_p2", "0.1_p2-r1", "0.1a", "0.1b", "0.1.0", "0.1.05", "0.1.1", "0.2"],
      ...["1.9-r3", "1.10-r0", "2.9.2", "20240101", "20240101.1"],
    ];
    for (const [index, older] of rising.entries()) {
      assert.equal(compareApkVersions(older, older), 0);
      for (const newer of rising.slice(index + 1)) {
        assert.ok(compareApkVersions(older, newer) < 0, `${older} < ${newer}`);
        assert.ok(compareApkVersions(newer, older) > 0, `${newer} > ${older}`);
      }
    }
  });

  it("is an order: what is older than the older is older", () => {
    fc.assert(
      fc.property(fc.array(apkVersion(), { minLength: 3, maxLength: 12 }), (versions) => {
        const sorted = [...versions].sort(compareApkVersions);
        for (const [index, one] of sorted.entries())
          for (const other of sorted.slice(index)) {
            assert.ok(compareApkVersions(one, other) <= 0, `${one} <= ${other}`);
            assert.equal(Math.sign(compareApkVersions(one, other)), -Math.sign(compareApkVersions(other, one)) + 0);
          }
      }),
    );
  });

  it("meets what a dependency asks for", () => {
    const cases: readonly [string, VersionOperator, string, boolean][] = [
      ["4.8-r1", "=", "4.8-r1", true],
      ["4.8-r1", "=", "4.8", false],
      ["4.8-r1", ">", "4.8", true],
      ["4.8", ">=", "4.8", true],
      ["4.8_rc1", ">=", "4.8", false],
      ["4.8-r1", "<", "4.8-r2", true],
      ["4.8-r2", "<=", "4.8-r2", true],
      ["4.8.3-r1", "~", "4.8", true],
      ["4.8-r1", "~", "4.8", true],
      ["4.80", "~", "4.8", false],
      ["4", "~", "4.8", false],
    ];
    for (const [version, operator, wanted, fits] of cases)
      assert.equal(apkVersionFits(version, operator, wanted), fits, `${version} ${operator} ${wanted}`);
  });

  it("knows what is a version", () => {
    for (const text of ["1", "1.2.3b_rc1_p2-r4", "2.1.0~0a1b2c-r0", "20240101", "0.0.1_git20240101-r0"])
      assert.ok(isApkVersion(text), text);
    for (const text of ["", "a", "1.", "1.2-1", "1.2_x", "1.2-r", "1.2-r1.3", "1.2ab", "v1", "1 2", "1.2_rc1a"])
      assert.ok(!isApkVersion(text), text);
  });
});
