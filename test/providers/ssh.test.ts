import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { fingerprint, sshKeyPair } from "../../formats/ssh-key.ts";
import { connect, HostKeyMismatch, Unreachable } from "../../providers/transport/ssh.ts";
import { freePort, type Sshd, startSshd } from "../doubles/sshd.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));

describe("ssh transport, against a real sshd", () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd(hostKey, deployKey.publicKey);
  });
  after(() => sshd.stop());
  const target = () => ({
    name: "pi1",
    address: "127.0.0.1",
    port: sshd.port,
    user: userInfo().username,
    hostKey: hostKey.publicKey,
  });

  it("runs a script with arguments as they are, whatever is in them", async () => {
    const connection = await connect(target(), deployKey.privateKey, { patience: 5 });
    const args = ["plain", "two words", "it's", '$(id) `id` "x" \\', "../..", "", "🦔", "line\nline"];
    const { code, stdout } = await connection.run('for word; do printf "[%s]" "$word"; done', args);
    connection.close();
    assert.equal(code, 0);
    assert.equal(stdout, args.map((word) => `[${word}]`).join(""));
  });

  it("gives exit code and both outputs of a script that fails", async () => {
    const connection = await connect(target(), deployKey.privateKey, { patience: 5 });
    const result = await connection.run("echo out; echo err >&2; exit 3");
    connection.close();
    assert.deepEqual(result, { code: 3, stdout: "out\n", stderr: "err\n" });
  });

  it("keeps the script out of the process list, so that secrets in it don't show", async () => {
    const connection = await connect(target(), deployKey.privateKey, { patience: 5 });
    const { stdout } = await connection.run("# canary-4711\nps -eo args");
    connection.close();
    assert.match(stdout, /sh -s/);
    assert.doesNotMatch(stdout, /canary-4711/);
  });

  it("stops at once when the host shows another key, and names both fingerprints", async () => {
    const other = sshKeyPair(Buffer.alloc(32, 9)).publicKey;
    const start = Date.now();
    await assert.rejects(connect({ ...target(), hostKey: other }, deployKey.privateKey, { patience: 60 }), (error) => {
      assert.ok(error instanceof HostKeyMismatch);
      assert.ok(error.message.includes(fingerprint(other)));
      assert.ok(error.message.includes(fingerprint(hostKey.publicKey)));
      return true;
    });
    assert.ok(Date.now() - start < 5000);
  });

  it("waits for a host that boots", async () => {
    const port = await freePort();
    const reasons: string[] = [];
    let late: Promise<Sshd> | undefined;
    const connection = await connect({ ...target(), port }, deployKey.privateKey, {
      patience: 30,
      onRetry: (reason) => {
        reasons.push(reason);
        late ??= startSshd(hostKey, deployKey.publicKey, port);
      },
    });
    assert.equal((await connection.run("true")).code, 0);
    connection.close();
    (await late)?.stop();
    assert.match(reasons[0] ?? "", /ECONNREFUSED/);
  });

  it("gives up after its patience on a machine that takes connections and says nothing", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    await assert.rejects(connect({ ...target(), port }, deployKey.privateKey, { patience: 2 }), Unreachable);
    silent.close();
  });

  it("ends when it is told to, while it tries and while a script runs", async () => {
    const tries = new AbortController();
    const port = await freePort();
    const onRetry = () => tries.abort(new Error("stopped"));
    const tried = connect({ ...target(), port }, deployKey.privateKey, { patience: 60, signal: tries.signal, onRetry });
    await assert.rejects(tried, { name: "AbortError" });
    await assert.rejects(connect(target(), deployKey.privateKey, { patience: 60, signal: tries.signal }), /stopped/);

    const ends = new AbortController();
    const connection = await connect(target(), deployKey.privateKey, { patience: 5, signal: ends.signal });
    const running = connection.run("echo runs; exec sleep 60");
    ends.abort();
    await assert.rejects(running, /was lost while a command ran/);
  });

  it("does not let in who has another key, and says so", async () => {
    const stranger = sshKeyPair(Buffer.alloc(32, 5));
    await assert.rejects(connect(target(), stranger.privateKey, { patience: 1 }), /authentication/);
  });

  it("writes host keys that OpenSSH's own client finds in a known_hosts line", () => {
    const scan = execFileSync("ssh-keyscan", ["-p", String(sshd.port), "-t", "ed25519", "127.0.0.1"], {
      encoding: "utf8",
    });
    assert.ok(scan.includes(hostKey.publicKey));
  });
});
