import assert from "node:assert/strict";
import { boardSeed } from "../../../formats/board-seed.ts";
import { type Answers, startAnswers } from "../support/answers.ts";
import { type BoardRoot, boardMac, makeBoardRoot } from "../support/board-root.ts";

const run = "/usr/local/lib/bramble/machine-identity; /usr/local/lib/bramble/seed";

describe("a board's seed, read by the script of the image in Alpine's own shell", () => {
  let board: BoardRoot;
  let server: Answers;
  let asImage: string | undefined;

  beforeEach(async () => {
    [board, server] = await Promise.all([makeBoardRoot(), startAnswers()]);
    asImage = await board.read("/etc/network/interfaces");
  });
  afterEach(async () => {
    await server.close();
    await board.remove();
  });

  const publish = (changed: Readonly<Record<string, string>> = {}) => {
    for (const [path, text] of Object.entries({ ...sample(), ...changed })) server.by.set(`/seed/${path}`, text);
  };
  const seeded = async () => await board.sh(run, [`bramble.seed=${server.url}/seed`]);
  /** The board comes up as the image has it, and the report will say why. */
  const keepsImage = async (problem: RegExp) => {
    assert.match((await board.problem("seed")) ?? "", problem);
    assert.equal(await board.read("/etc/network/interfaces"), asImage);
    assert.equal(await board.read("/etc/hostname"), "localhost\n");
    assert.equal(await board.read("/etc/bramble/mounts"), undefined);
  };

  it("gives the board its name, its network and its files with their modes", async () => {
    publish();
    const { code, stderr } = await seeded();
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(await board.problem("seed"), undefined);
    assert.equal(await board.read("/etc/hostname"), "pi1\n");
    assert.match(
      (await board.read("/etc/network/interfaces")) ?? "",
      /iface br0 inet static[\s\S]*address 10\.20\.0\.11\/24/,
    );
    assert.equal(await board.read("/etc/bramble/mounts"), "lasting /srv/kept\n");
    assert.equal(await board.mode("/etc/bramble/mounts"), 0o644);
    assert.equal(await board.mode("/etc/own.d/secretless"), 0o600);
    assert.equal(await board.read("/etc/resolv.conf"), "nameserver 10.20.0.1\n");
  });

  it("takes a seed without files of its own", async () => {
    publish({ files: "" });
    await seeded();
    assert.equal(await board.problem("seed"), undefined);
    assert.equal(await board.read("/etc/hostname"), "pi1\n");
  });

  it("comes up as the image has it where the server has no seed, and asks for it once", async () => {
    const began = performance.now();
    assert.equal((await seeded()).code, 0);
    await keepsImage(/seed\/board cannot be fetched: server returned error: HTTP\/1\.1 404/);
    assert.deepEqual(server.asked, ["/seed/board"]);
    assert.ok(performance.now() - began < 5_000, "a refusal is final, so there is nothing to wait for");
  });

  it("asks again where the server is in trouble", async () => {
    server.by.set("/seed/board", 503);
    await seeded();
    await keepsImage(/HTTP\/1\.1 503/);
    assert.equal(server.asked.length, 5);
  });

  it("comes up as the image has it without a word of a seed on the kernel command line", async () => {
    await board.sh(run);
    await keepsImage(/no bramble\.seed=/);
    await board.sh(run, ["bramble.seed=http://10.0.0.1/$(touch\t/tmp/owned)"]);
    await keepsImage(/is no address of a seed/);
    assert.equal(await board.read("/tmp/owned"), undefined);
  });

  it("puts nothing in place if a file of it is missing", async () => {
    publish();
    server.by.delete("/seed/files.d/etc/own.d/secretless");
    await seeded();
    await keepsImage(/files\.d\/etc\/own\.d\/secretless cannot be fetched/);
  });

  for (const [what, files] of [
    ["a path that leads out of its folder", "0644 etc/../root/.ssh/authorized_keys\n"],
    ["an absolute path", "0644 /etc/motd\n"],
    ["another folder", "0755 sbin/init\n"],
    ["who may log in", "0644 etc/passwd\n"],
    ["who may log in by an older name", "0640 etc/shadow-\n"],
    ["a host key", "0600 etc/ssh/ssh_host_ed25519_key\n"],
    ["a service", "0755 etc/init.d/own\n"],
    ["a set-user-ID program", "4755 usr/local/bin/own\n"],
    ["what everybody may write to", "0666 etc/motd\n"],
    ["a command", "0644 etc/$(touch /tmp/owned)\n"],
    ["a command after a good line", "0644 etc/motd\n0644 etc/motd; touch /tmp/owned\n"],
  ] as const) {
    it(`refuses a list of files with ${what}`, async () => {
      publish({ files, "files.d/etc/motd": "hello\n" });
      await seeded();
      await keepsImage(/list of files has a line that is not allowed/);
      assert.equal(await board.read("/tmp/owned"), undefined);
    });
  }

  it("takes no value for a command", async () => {
    publish({ board: "HOSTNAME=$(touch /tmp/owned)\nIDENTITY_URL=http://10.0.0.1/\n" });
    await seeded();
    await keepsImage(/no host name for this board: \$\(touch/);
    publish({ board: "HOSTNAME=pi1;touch /tmp/owned\n" });
    await seeded();
    await keepsImage(/no host name/);
    assert.equal(await board.read("/tmp/owned"), undefined);
  });

  it("takes no page of another server for the network's settings", async () => {
    publish({ interfaces: "<html>moved</html>\n" });
    await seeded();
    await keepsImage(/interfaces is no text of/);
    publish({ interfaces: "auto br0\niface br0 inet dhcp\n\u001b[2J" });
    await seeded();
    await keepsImage(/interfaces is no text of/);
  });

  it("refuses a seed that would fill the board's memory", async () => {
    publish({ interfaces: `auto br0\niface br0 inet dhcp\n${"#".repeat(2 * 1024 ** 2)}\n` });
    await seeded();
    await keepsImage(/seed\/interfaces cannot be fetched/);
  });

  it("gives each board another machine id and another NFS client id, the same ones at each boot", async () => {
    const nfs = ["/sys/module/nfs/parameters/nfs4_unique_id", "/sys/fs/nfs/net/nfs_client/identifier"];
    const ids = async (mac: string) => {
      await board.write("/sys/class/net/eth0/address", `${mac}\n`);
      for (const file of nfs) await board.write(file, "");
      assert.equal((await board.sh("/usr/local/lib/bramble/machine-identity")).code, 0);
      const read = await Promise.all(["/etc/machine-id", ...nfs, "/etc/modprobe.d/bramble-nfs.conf"].map(board.read));
      return read.map((text) => text?.trim());
    };
    const first = await ids(boardMac);
    const second = await ids("dc:a6:32:00:00:02");
    assert.match(first[0] ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual(first.slice(1), [
      "bramble-dc-a6-32-00-00-01",
      "bramble-dc-a6-32-00-00-01",
      "options nfs nfs4_unique_id=bramble-dc-a6-32-00-00-01",
    ]);
    for (const [index, id] of first.entries()) assert.notEqual(id, second[index]);
    assert.deepEqual(await ids(boardMac), first);
    assert.equal(await board.mode("/etc/machine-id"), 0o444);
  });

  it("says so where no network card was found", async () => {
    await board.write("/sys/class/net/eth0/address", "");
    await board.sh("/usr/local/lib/bramble/machine-identity");
    assert.match((await board.problem("machine-identity")) ?? "", /no network card was found/);
  });
});

function sample(): Record<string, string> {
  return boardSeed({
    hostname: "pi1",
    instanceId: "pi1-1",
    network: {
      address: "10.20.0.11",
      prefixLength: 24,
      gateway: "10.20.0.1",
      dns: ["10.20.0.1"],
      bridge: "br0",
    },
    identityUrl: "http://10.20.0.2:8081/cgi-bin/identity",
    files: {
      "etc/bramble/mounts": { text: "lasting /srv/kept\n", mode: 0o644 },
      "etc/own.d/secretless": { text: "x\n", mode: 0o600 },
    },
  });
}
