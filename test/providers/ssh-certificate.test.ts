import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { certAuthorityLine, type SshCertificate, signCertificate } from "../../formats/ssh-certificate.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { type Sshd, startSshd } from "../doubles/sshd.ts";

const caSeed = Buffer.alloc(32, 9);
const ca = sshKeyPair(caSeed);
const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
const now = Math.floor(Date.now() / 1000);
const host: SshCertificate = {
  kind: "host",
  publicKey: hostKey.publicKey,
  serial: 1n,
  keyId: "board pi1 of home",
  principals: ["pi1", "10.20.0.11"],
  validAfter: now - 3600,
  validBefore: now + 3600,
};

describe("SSH certificates, with a real sshd and a client that knows only the authority", () => {
  let folder: string;
  const servers: Sshd[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssh-certificate-"));
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  after(() => {
    rmSync(folder, { recursive: true });
    for (const server of servers) server.stop();
  });

  /** Logs in to a server that shows this certificate, by a name. */
  async function logIn(name: string, certificate: Partial<SshCertificate>, authority = ca.publicKey) {
    const line = signCertificate(caSeed, { ...host, ...certificate });
    const file = write(`host-${servers.length}-cert.pub`, `${line}\n`);
    const server = await startSshd(hostKey, deployKey.publicKey, undefined, [`HostCertificate ${file}`]);
    servers.push(server);
    const known = write("known_hosts", certAuthorityLine(authority, ["*"]));
    const options = [
      ...["StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`, "GlobalKnownHostsFile=/dev/null"],
      ...[
        `HostKeyAlias=${name}`,
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com",
      ],
    ].flatMap((option) => ["-o", option]);
    const key = write("deploy-key", deployKey.privateKey);
    const to = ["-p", String(server.port), "-i", key, `${userInfo().username}@127.0.0.1`, "echo", "in"];
    const { status, stdout, stderr } = spawnSync("ssh", ["-F", "none", ...options, ...to], { encoding: "utf8" });
    return { status, said: stdout + stderr };
  }

  it("lets in by a name that the certificate is for, and by the address", async () => {
    assert.deepEqual(await logIn("pi1", {}), { status: 0, said: "in\n" });
    assert.deepEqual(await logIn("10.20.0.11", {}), { status: 0, said: "in\n" });
  });

  it("refuses one that is for another host", async () => {
    const { status, said } = await logIn("pi2", {});
    assert.equal(status, 255);
    assert.match(said, /Certificate invalid: name is not a listed principal/);
  });

  it("refuses one that has expired, and one that is not valid yet", async () => {
    const expired = await logIn("pi1", { validAfter: now - 7200, validBefore: now - 3600 });
    assert.equal(expired.status, 255);
    assert.match(expired.said, /Certificate invalid: expired/);
    const early = await logIn("pi1", { validAfter: now + 3600, validBefore: now + 7200 });
    assert.match(early.said, /Certificate invalid: not yet valid/);
  });

  it("refuses a user's certificate, and one of another authority", async () => {
    assert.equal((await logIn("pi1", { kind: "user" })).status, 255);
    const { status, said } = await logIn("pi1", {}, sshKeyPair(Buffer.alloc(32, 8)).publicKey);
    assert.equal(status, 255);
    assert.match(said, /Host key verification failed|No ED25519-CERT host key is known/);
  });

  it("lets in who has a user's certificate of the authority that the server trusts", async () => {
    const trusted = write("trusted-ca", `${ca.publicKey}\n`);
    const anyone = sshKeyPair(Buffer.alloc(32, 3));
    const server = await startSshd(hostKey, deployKey.publicKey, undefined, [`TrustedUserCAKeys ${trusted}`]);
    servers.push(server);
    const { username } = userInfo();
    const attempt = (change: Partial<SshCertificate>) => {
      const user = { ...host, kind: "user", publicKey: anyone.publicKey, ...change } as const;
      const key = write("user-key", anyone.privateKey);
      write("user-key-cert.pub", `${signCertificate(caSeed, user)}\n`);
      const known = write("known-server", `[127.0.0.1]:${server.port} ${hostKey.publicKey}\n`);
      const options = [
        "StrictHostKeyChecking=yes",
        `UserKnownHostsFile=${known}`,
        "BatchMode=yes",
        "IdentitiesOnly=yes",
      ];
      const args = ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-p", String(server.port), "-i", key];
      return spawnSync("ssh", [...args, `${username}@127.0.0.1`, "echo", "in"], { encoding: "utf8" });
    };
    assert.equal(attempt({ principals: [username] }).stdout, "in\n");
    assert.match(attempt({ principals: ["somebody"] }).stderr, /Permission denied/);
    assert.match(attempt({ principals: [username], validBefore: now - 60 }).stderr, /Permission denied/);
  });
});
