import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import ssh2 from "ssh2";
import { fingerprint, sshKeyPair } from "../../formats/ssh-key.ts";

describe("ssh-key", () => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-key-"));
  after(() => rmSync(folder, { recursive: true }));

  it("makes keys that OpenSSH reads, with the public key and fingerprint that OpenSSH finds in them", () => {
    const pair = sshKeyPair(Buffer.alloc(32, 7));
    const file = join(folder, "key");
    writeFileSync(file, pair.privateKey, { mode: 0o600 });
    const publicKey = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim();
    assert.equal(publicKey, pair.publicKey);
    const listed = execFileSync("ssh-keygen", ["-l", "-f", file], { encoding: "utf8" });
    assert.equal(listed.split(" ")[1], fingerprint(pair.publicKey));
  });

  it("makes the same text from the same seed, and keys that ssh2 reads from every seed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const pair = sshKeyPair(seed);
        assert.deepEqual(sshKeyPair(seed), pair);
        const parsed = ssh2.utils.parseKey(pair.privateKey);
        assert.ok(!(parsed instanceof Error), String(parsed));
        assert.equal(parsed.getPublicSSH().toString("base64"), pair.publicKey.split(" ")[1]);
      }),
      { numRuns: 50 },
    );
  });
});
