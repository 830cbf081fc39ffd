import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { certAuthorityLine, type SshCertificate, signCertificate } from "../../formats/ssh-certificate.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";

const caSeed = Buffer.alloc(32, 9);
const ca = sshKeyPair(caSeed);
const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const host: SshCertificate = {
  kind: "host",
  publicKey: hostKey.publicKey,
  serial: 2n ** 64n - 1n,
  keyId: "board pi1 of home",
  principals: ["pi1", "10.20.0.11"],
  validAfter: 1_800_000_000,
  validBefore: 1_800_086_400,
};

describe("ssh-certificate", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssh-certificate-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const listed = (line: string) =>
    execFileSync("ssh-keygen", ["-L", "-f", write("cert.pub", `${line}\n`)], {
      encoding: "utf8",
      env: { ...process.env, TZ: "UTC" },
    });

  it("says of a host what ssh-keygen reads in it", () => {
    const said = listed(signCertificate(caSeed, host));
    assert.match(said, /Type: ssh-ed25519-cert-v01@openssh\.com host certificate\n/);
    assert.match(said, /Key ID: "board pi1 of home"\n {8}Serial: 18446744073709551615\n/);
    assert.match(said, /Valid: from 2027-01-15T08:00:00 to 2027-01-16T08:00:00\n/);
    assert.match(said, /Principals: \n {16}pi1\n {16}10\.20\.0\.11\n/);
    assert.match(said, /Critical Options: \(none\)\n {8}Extensions: \(none\)\n/);
    const fingerprintOf = (name: string, key: string) =>
      execFileSync("ssh-keygen", ["-l", "-f", write(name, key)], { encoding: "utf8" }).split(" ")[1] ?? "";
    assert.ok(said.includes(`Signing CA: ED25519 ${fingerprintOf("ca.pub", ca.publicKey)} (using ssh-ed25519)`));
    assert.ok(said.includes(`Public key: ED25519-CERT ${fingerprintOf("host.pub", hostKey.publicKey)}`));
  });

  it("gives a user what is asked for, in the order that OpenSSH wants", () => {
    const user = { ...host, kind: "user", principals: ["anna"] } as const;
    assert.match(
      listed(signCertificate(caSeed, user)),
      /user certificate[\s\S]*Extensions: \n {16}permit-port-forwarding\n {16}permit-pty\n/,
    );
    const none = listed(signCertificate(caSeed, { ...user, extensions: [] }));
    assert.match(none, /Extensions: \(none\)/);
    const all = signCertificate(caSeed, { ...user, extensions: ["permit-user-rc", "permit-X11-forwarding"] });
    assert.match(listed(all), /Extensions: \n {16}permit-X11-forwarding\n {16}permit-user-rc\n/);
  });

  it("is the same text for the same facts, and another for any other", () => {
    const text = signCertificate(caSeed, host);
    assert.equal(signCertificate(Buffer.from(caSeed), { ...host }), text);
    const others = [
      signCertificate(Buffer.alloc(32, 8), host),
      ...[{ serial: 1n }, { keyId: "pi1" }, { principals: ["pi1"] }, { validAfter: 0 }, { kind: "user" as const }].map(
        (change) => signCertificate(caSeed, { ...host, ...change }),
      ),
    ];
    assert.equal(new Set([text, ...others]).size, 7);
  });

  it("is read by ssh-keygen, whatever the keys and numbers are", () => {
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seed, seed, fc.bigInt(0n, 2n ** 64n - 1n), (authority, key, serial) => {
        const line = signCertificate(authority, { ...host, publicKey: sshKeyPair(key).publicKey, serial });
        assert.match(listed(line), new RegExp(`Serial: ${serial}\\n`));
      }),
      { numRuns: 10 },
    );
  });

  it("refuses what would be valid for all, never, or not as it is written", () => {
    const bad: [Partial<SshCertificate>, RegExp][] = [
      [{ principals: [] }, /principals: there are 0/],
      [{ principals: Array.from({ length: 257 }, (_, index) => `n${index}`) }, /principals: there are 257/],
      [{ principals: ["*"] }, /principals: "\*"/],
      [{ principals: ["pi1,pi2"] }, /principals/],
      [{ principals: ["pi1\n"] }, /principals: "pi1\\n"/],
      [{ principals: ["$(id)"] }, /principals/],
      [{ keyId: "" }, /keyId/],
      [{ keyId: "pi1\nroot" }, /keyId: "pi1\\nroot"/],
      [{ serial: -1n }, /serial/],
      [{ serial: 2n ** 64n }, /serial/],
      [{ validAfter: 1.5 }, /validAfter: 1\.5/],
      [{ validBefore: Number.NaN }, /validBefore/],
      [{ validBefore: host.validAfter }, /validBefore: .* would never be valid/],
      [{ publicKey: "ssh-rsa AAAA" }, /publicKey/],
      [{ publicKey: `${hostKey.publicKey} comment` }, /publicKey: .* without a comment/],
      [{ publicKey: "ssh-ed25519 AAAA" }, /publicKey/],
    ];
    for (const [change, complaint] of bad)
      assert.throws(() => signCertificate(caSeed, { ...host, ...change }), complaint, complaint.source);
    for (const patterns of [[], ["pi1 pi2"], ["a\nb"], ["!pi1"], ["a,b"]])
      assert.throws(() => certAuthorityLine(ca.publicKey, patterns), /patterns/);
    assert.equal(
      certAuthorityLine(ca.publicKey, ["pi*", "10.20.0.*"]),
      `@cert-authority pi*,10.20.0.* ${ca.publicKey}\n`,
    );
  });
});
