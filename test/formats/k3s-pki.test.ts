import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { certificateAuthority } from "../../formats/certificate-authority.ts";
import { utcTime } from "../../formats/der.ts";
import { type K3sAuthority, k3sAuthorities, k3sPki } from "../../formats/k3s-pki.ts";
import { k3sToken } from "../../formats/k3s-token.ts";

const seed = (authority: K3sAuthority) => createHash("sha256").update(authority).digest();
const pki = k3sPki("web", seed);

describe("the authorities of a k3s cluster", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "k3s-pki-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });

  it("are the files that k3s looks for", () => {
    const names = ["server", "client", "request-header", "etcd/peer", "etcd/server"];
    assert.deepEqual(
      Object.keys(pki.files),
      names.flatMap((name) => [`${name}-ca.crt`, `${name}-ca.key`]),
    );
  });

  it("are such as openssl takes, strictly, and each has its own key", () => {
    for (const name of ["server-ca", "etcd/peer-ca"]) {
      writeFileSync(join(folder, "ca.crt"), pki.files[`${name}.crt`] ?? "");
      writeFileSync(join(folder, "ca.key"), pki.files[`${name}.key`] ?? "", { mode: 0o600 });
      assert.match(openssl("verify", "-x509_strict", "-check_ss_sig", "-CAfile", "ca.crt", "ca.crt"), /^ca.crt: OK/);
      assert.equal(openssl("x509", "-in", "ca.crt", "-noout", "-pubkey"), openssl("ec", "-in", "ca.key", "-pubout"));
    }
    const keys = Object.entries(pki.files).filter(([path]) => path.endsWith(".key"));
    assert.equal(new Set(keys.map(([, key]) => key)).size, k3sAuthorities.length);
  });

  it("sign certificates that hold, and not those of each other", () => {
    for (const name of ["server", "client"]) {
      writeFileSync(join(folder, `${name}.crt`), pki.files[`${name}-ca.crt`] ?? "");
      writeFileSync(join(folder, `${name}.key`), pki.files[`${name}-ca.key`] ?? "", { mode: 0o600 });
    }
    const request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key"];
    openssl(...request, "-subj", "/CN=web-server1", "-out", "leaf.csr");
    const signer = ["-CA", "server.crt", "-CAkey", "server.key", "-CAcreateserial"];
    openssl("x509", "-req", "-in", "leaf.csr", ...signer, "-days", "1", "-out", "leaf.crt");
    assert.match(openssl("verify", "-CAfile", "server.crt", "leaf.crt"), /^leaf.crt: OK/);
    assert.throws(() => openssl("verify", "-CAfile", "client.crt", "leaf.crt"), /unable to get local issuer/);
  });

  it("are the same on every machine and at any time", () => {
    const hash = createHash("sha256").update(JSON.stringify(pki.files)).digest("hex");
    assert.equal(hash, "a7676036669b6918497ac229367ef2377c1d8940bb26a2f6a69bf4a447ba51fe");
    assert.deepEqual(k3sPki("web", seed), pki);
    assert.notEqual(k3sPki("lab", seed).caHash, pki.caHash);
  });

  it("are sound whatever they are made of, and last longer than any board", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 64 }), (secret) => {
        const { certificate, privateKey } = certificateAuthority(secret, "k3s-server-ca@web");
        const read = new X509Certificate(certificate);
        assert.ok(read.ca && read.verify(read.publicKey) && read.checkPrivateKey(createPrivateKey(privateKey)));
        assert.equal(read.validToDate.getUTCFullYear(), 2049);
      }),
      { numRuns: 40 },
    );
  });

  it("are not made of too little, nor of a name that cannot be one, nor for a time that DER writes otherwise", () => {
    assert.throws(() => certificateAuthority(new Uint8Array(31), "x"), /seed: 31 bytes are too few/);
    assert.throws(() => certificateAuthority(new Uint8Array(32), "a\nb"), /commonName: "a\\nb" is not/);
    assert.throws(() => utcTime(new Date("2050-01-01")), RangeError);
  });
});

describe("the token of a k3s cluster", () => {
  const secret = Buffer.alloc(32, 7);

  it("names the authority of the server and who joins", () => {
    const { password, full } = k3sToken("server", secret, pki.caHash);
    assert.equal(full, `K10${pki.caHash}::server:${password}`);
    assert.match(k3sToken("agent", secret, pki.caHash).full, /^K10[0-9a-f]{64}::node:[0-9a-f]{64}$/);
  });

  it("has the hash of the certificate's file, byte for byte", () => {
    const file = pki.files["server-ca.crt"] ?? "";
    assert.equal(pki.caHash, createHash("sha256").update(file).digest("hex"));
  });

  it("is made of nothing else than a secret and a hash", () => {
    assert.throws(() => k3sToken("server", secret.subarray(1), pki.caHash), /secret: it has 31 bytes/);
    assert.throws(() => k3sToken("server", secret, "K10"), /caHash: "K10" is not 64 hex digits/);
  });
});
