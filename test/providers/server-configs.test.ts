import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BootDhcp, dnsmasqConf } from "../../formats/dnsmasq-conf.ts";
import { nginxConf } from "../../formats/nginx-conf.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { freePort } from "../doubles/sshd.ts";

describe("configurations of the boot servers", () => {
  /** Of loopback, and of nobody else on this machine. */
  const address = "127.69.0.1";
  const configTxt = Buffer.from("# 3,000 bytes, so that they take three blocks of 1468\n".padEnd(3000, "x"));
  let folder = "";
  let root = "";
  const running: ChildProcess[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "boot-servers-"));
    await chmod(folder, 0o755); // servers look as a user of their own
    root = join(folder, "root");
    await mkdir(join(root, ".trees/one"), { recursive: true });
    await writeFile(join(root, ".trees/one/config.txt"), configTxt);
    await symlink(".trees/one", join(root, "9ffefdef"));
    await writeFile(join(folder, "secret"), "secret");
  });
  afterEach(async () => {
    for (const server of running.splice(0)) {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const start = (command: string, ...args: string[]) => {
    running.push(spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] }));
  };

  describe("for dnsmasq", () => {
    const network = { address: "127.69.0.0", prefixLength: 24 };
    const board = { mac: "dc:a6:32:01:36:c2", address: "127.69.0.11", hostname: "pi1" };
    const leases = { first: "127.69.0.200", last: "127.69.0.250" };
    const confOf = (dhcp: BootDhcp) =>
      dnsmasqConf({ address, tftpRoot: root, pidFile: join(folder, "dnsmasq.pid"), dhcp });

    it("pass its own check in all modes", async () => {
      const own = { mode: "own", network, dns: [], boards: [board], leaseFile: join(folder, "leases") } as const;
      const all: BootDhcp[] = [
        { mode: "router" },
        { mode: "proxy", network, boards: [board] },
        own,
        { ...own, gateway: address, dns: [address], leases },
      ];
      for (const dhcp of all) {
        const file = await write("dnsmasq.conf", confOf(dhcp));
        const { code, stderr } = await tryRun(["dnsmasq", "--test", `--conf-file=${file}`]);
        assert.equal(code, 0, `${dhcp.mode}: ${stderr}`);
      }
    });

    it("make it negotiate size and block size, take the double slash of a Pi 5, and serve nothing above its root", async () => {
      const file = await write("dnsmasq.conf", confOf({ mode: "router" }));
      start("dnsmasq", "--keep-in-foreground", `--conf-file=${file}`, `--log-facility=${join(folder, "dnsmasq.log")}`);
      const config = await until("an answer of dnsmasq", () => tftp(address, "9ffefdef/config.txt"), {
        deadline: 5000,
      });
      assert.deepEqual(config, { options: { tsize: "3000", blksize: "1468" }, blocks: 3, content: configTxt });
      assert.deepEqual(await tftp(address, "9ffefdef//config.txt"), config);

      const notThere = await tftp(address, "9ffefdef/pieeprom.sig");
      assert.equal(notThere && "error" in notThere && notThere.error, 1);
      for (const path of ["../secret", "9ffefdef/../../secret", "/../secret", "9ffefdef/../../../secret"]) {
        const answer = await tftp(address, path);
        assert.ok(answer && "error" in answer, `${path} was served`);
      }
    });
  });

  describe("for nginx", () => {
    it("pass its own check, and make it serve files and nothing else", async () => {
      const port = await freePort();
      const logs = {
        accessLog: join(folder, "access.log"),
        bootLog: join(folder, "boots.log"),
        errorLog: join(folder, "error.log"),
        tempFolder: join(folder, "temp"),
      };
      const conf = nginxConf({ address, port, root, boards: root, pidFile: join(folder, "nginx.pid"), ...logs });
      const file = await write("nginx.conf", conf);
      const checked = await tryRun(["nginx", "-t", "-c", file]);
      assert.equal(checked.code, 0, checked.stderr);

      start("nginx", "-c", file, "-g", "daemon off;");
      const at = (path: string, method = "GET") => fetch(`http://${address}:${port}/${path}`, { method });
      await until("an answer of nginx", () => at("").catch(() => undefined), { deadline: 5000 });

      const config = await at("9ffefdef/config.txt");
      assert.deepEqual([config.status, config.headers.get("server")], [200, "nginx"]);
      assert.deepEqual(Buffer.from(await config.arrayBuffer()), configTxt);
      assert.equal((await at("9ffefdef/config.txt", "HEAD")).headers.get("content-length"), "3000");
      assert.equal((await at("9ffefdef/")).status, 403);
      assert.equal((await at("9ffefdef/cmdline.txt")).status, 404);
      assert.equal((await at("9ffefdef/..%2f..%2fsecret")).status, 400);
      for (const method of ["PUT", "POST", "DELETE"])
        assert.equal((await at("9ffefdef/config.txt", method)).status, 403);

      await mkdir(join(root, ".trees/two"));
      await writeFile(join(root, ".trees/two/config.txt"), "# two\n");
      await symlink(".trees/two", join(root, "next"));
      await rename(join(root, "next"), join(root, "9ffefdef"));
      assert.equal(await (await at("9ffefdef/config.txt")).text(), "# two\n");

      const lines = (await readFile(logs.accessLog, "utf8")).trim().split("\n");
      const requests = lines.map((line): Record<string, unknown> => JSON.parse(line));
      const first = requests.find(({ path }) => path === "/9ffefdef/config.txt");
      assert.deepEqual(
        { ...first, time: 0 },
        { time: 0, remote: "127.0.0.1", path: "/9ffefdef/config.txt", status: 200, bytes: 3000 },
      );
      assert.ok(Math.abs(Number(first?.time) - Date.now() / 1000) < 60, `${first?.time} is no time`);
    });
  });
});

/** What a server answers to a read request with the options of a Raspberry Pi; undefined if it does not answer. */
async function tftp(
  address: string,
  path: string,
): Promise<{ options: Record<string, string>; blocks: number; content: Buffer } | { error: number } | undefined> {
  const socket = createSocket("udp4");
  const options = new Map<string, string>();
  const blocks: Buffer[] = [];
  // A closed port answers with an ICMP message, which is not the answer that is waited for.
  socket.on("error", () => {});
  socket.send(`\0\u0001${path}\0octet\0tsize\u00000\0blksize\u00001468\0`, 69, address);
  try {
    for (;;) {
      const [packet, from] = await once(socket, "message", { signal: AbortSignal.timeout(1000) });
      const [kind, number, rest] = [packet.readUInt16BE(0), packet.readUInt16BE(2), packet.subarray(4)];
      if (kind === 5) return { error: number };
      if (kind === 6) {
        const words = packet.subarray(2).toString("latin1").split("\0");
        for (let at = 0; at + 1 < words.length; at += 2) options.set(words[at], words[at + 1]);
      }
      if (kind === 3) blocks[number - 1] = rest;
      socket.send(Buffer.from([0, 4, kind === 3 ? packet[2] : 0, kind === 3 ? packet[3] : 0]), from.port, from.address);
      if (kind === 3 && rest.length < Number(options.get("blksize") ?? 512)) {
        return { options: Object.fromEntries(options), blocks: blocks.length, content: Buffer.concat(blocks) };
      }
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return undefined;
    throw error;
  } finally {
    socket.close();
  }
}
