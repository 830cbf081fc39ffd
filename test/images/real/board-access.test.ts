import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { run } from "../../../tools/lib/run.ts";
import { type BoardRoot, makeBoardRoot } from "../support/board-root.ts";

const base = fileURLToPath(new URL("../../../images/alpine/files/base", import.meta.url));

describe("who may come in to a board", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(`${tmpdir()}/bramble-access-`);
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("is what sshd makes of the image's settings, whatever stands after them", async () => {
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${folder}/ssh_host_ed25519_key`]);
    const text = await readFile(`${base}/etc/ssh/sshd_config.d/10-bramble.conf`, "utf8");
    await writeFile(`${folder}/10-bramble.conf`, text.replaceAll("/etc/ssh/", `${folder}/`));
    const after = "PasswordAuthentication yes\nPermitRootLogin yes\nAllowTcpForwarding yes\n";
    await writeFile(`${folder}/sshd_config`, `Include ${folder}/10-bramble.conf\n${after}`);
    const { stdout } = await run(["/usr/sbin/sshd", "-T", "-f", `${folder}/sshd_config`]);
    const settings = new Set(stdout.split("\n"));
    for (const setting of [
      "permitrootlogin without-password",
      "passwordauthentication no",
      "kbdinteractiveauthentication no",
      "pubkeyauthentication yes",
      "allowtcpforwarding no",
      "allowstreamlocalforwarding yes",
      "x11forwarding no",
      `trustedusercakeys ${folder}/bramble-user-ca.pub`,
      `hostkey ${folder}/ssh_host_ed25519_key`,
      `hostcertificate ${folder}/ssh_host_ed25519_key-cert.pub`,
    ]) {
      assert.ok(settings.has(setting), `${setting} in\n${stdout}`);
    }
  });
});

describe("a board that waits for the time", () => {
  let board: BoardRoot;

  beforeEach(async () => {
    board = await makeBoardRoot("worker");
  });
  afterEach(async () => await board.remove());

  const waits = async (chronyc: string) => {
    await board.write("/usr/bin/chronyc", `#!/bin/sh\necho "$@" >/run/asked\n${chronyc}\n`, 0o755);
    return (await board.sh("/usr/local/lib/bramble/time")).code;
  };

  it("asks for a minute at most, whatever the clock says", async () => {
    assert.equal(await waits("exit 0"), 0);
    const [command, tries, , , pause] = ((await board.read("/run/asked")) ?? "").trim().split(" ");
    assert.equal(command, "waitsync");
    assert.ok(Number(tries) * Number(pause) <= 60);
    assert.equal(await waits("exit 1"), 1);
  });

  it("asks nobody where the site has no time server", async () => {
    await board.write("/etc/chrony/chrony.conf", "# server 192.0.2.1\nmakestep 1 -1\n");
    assert.equal(await waits("exit 1"), 0);
    assert.equal(await board.read("/run/asked"), undefined);
  });
});
