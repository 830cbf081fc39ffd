import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { ApkFormatError, splitPackage, splitSigned } from "../../formats/apk-container.ts";
import { parseApkIndex } from "../../formats/apk-index.ts";
import { ApkSignatureError, checkSignature, verifiedIndex, verifyPackage } from "../../formats/apk-signature.ts";
import { apkRepository, signedIndex, stubPackage, testKey } from "../doubles/apk-repository.ts";

const key = testKey();
const keys = new Map([[key.file, key.publicPem]]);
const stub = { name: "chrony", version: "4.8-r1", files: { "/etc/chrony.conf": { text: "server 10.0.0.1\n" } } };

describe("apk-signature", () => {
  for (const digest of ["sha1", "sha256", "sha512"] as const) {
    it(`gives the text of an index that is signed with ${digest}`, async () => {
      const { files, index } = await apkRepository([stub], { digest });
      assert.equal(await verifiedIndex(file(files, "APKINDEX.tar.gz"), keys), index);
    });
  }

  it("refuses an index in which any byte is another one, of the signature or what is signed", async () => {
    const bytes = await signedIndex("P:a\n");
    const { rest } = await splitSigned(bytes);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      // Of the gzip member with the signature, times and the like say nothing; what is signed must be the same then.
      const read = await verifiedIndex(changed, keys).catch((error: Error) => error);
      if (at < bytes.length - rest.length && read === "P:a\n") continue;
      assert.ok(read instanceof ApkSignatureError || read instanceof ApkFormatError, `byte ${at}: ${read}`);
    }
  });

  it("refuses an index that is cut short or continued", async () => {
    const bytes = await signedIndex("P:a\n");
    await assert.rejects(verifiedIndex(bytes.subarray(0, -1), keys), /is not what was signed with the key/);
    await assert.rejects(verifiedIndex(bytes.subarray(0, 100), keys), /is damaged/);
    await assert.rejects(verifiedIndex(Buffer.concat([bytes, gzipSync("more")]), keys), /is not what was signed/);
  });

  it("names the key that is not trusted, and those that are", async () => {
    const bytes = await signedIndex("P:a\n", { key: testKey("other.rsa.pub") });
    await assert.rejects(
      verifiedIndex(bytes, keys),
      /is signed with the key other\.rsa\.pub, which is not trusted; trusted: bramble-test\.rsa\.pub/,
    );
    const forged = new Map([["other.rsa.pub", key.publicPem]]);
    await assert.rejects(verifiedIndex(bytes, forged), /is not what was signed with the key other\.rsa\.pub/);
  });

  it("refuses what has no signature, is no gzip file, or is of apk 3's own format", async () => {
    const bytes = await signedIndex("P:a\n");
    const { rest } = await splitPackage((await stubPackage(stub)).bytes);
    await assert.rejects(verifiedIndex(rest, keys), /does not begin with a signature/);
    await assert.rejects(verifiedIndex(gunzipSync(bytes), keys), /is no gzip file/);
    await assert.rejects(verifiedIndex(Buffer.from("<html>Please log in</html>"), keys), /is no gzip file/);
    await assert.rejects(verifiedIndex(Buffer.from("ADBd and more bytes than that"), keys), /format of apk 3/);
  });

  it("finds a package to be what its index names, and its own signature right", async () => {
    const { files, index } = await apkRepository([stub]);
    const bytes = file(files, "chrony-4.8-r1.apk");
    const [listed] = parseApkIndex(index);
    assert.ok(listed !== undefined);
    await verifyPackage(bytes, listed);
    const { signature, control } = await splitPackage(bytes);
    checkSignature(signature.name, signature.bytes, control, keys);
  });

  it("refuses a package with other files, other control data or another length than its index says", async () => {
    const [listed] = parseApkIndex((await apkRepository([stub])).index);
    assert.ok(listed !== undefined);
    const { bytes } = await stubPackage(stub);
    const { signature, control, rest } = await splitPackage(bytes);
    const head = bytes.subarray(0, bytes.length - rest.length);
    const swapped = Buffer.concat([head, control, gzipSync("other files")]);
    const fits = (of: Buffer) => ({ ...listed, size: of.length });
    await assert.rejects(verifyPackage(swapped, fits(swapped)), /has files with SHA-256 [0-9a-f]{64}, and its control/);
    await assert.rejects(verifyPackage(bytes, { ...listed, size: 3 }), /has \d+ bytes, and its index says 3/);
    const other = (await stubPackage({ ...stub, depends: ["more"] })).bytes;
    await assert.rejects(verifyPackage(other, fits(other)), /is Q1.*, and its index says Q1/);
    assert.match(signature.name, /^\.SIGN\.RSA\.bramble-test\.rsa\.pub$/);
  });
});

function file(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const bytes = files.get(name);
  assert.ok(bytes !== undefined, name);
  return bytes;
}
