import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nginxConf } from "../../formats/nginx-conf.ts";
import { printReadinessReport, type ReadinessReport } from "../../formats/readiness-report.ts";
import { fingerprint, sshKeyPair } from "../../formats/ssh-key.ts";
import { askBootServer, type BootSource } from "../../providers/readiness/boot-server.ts";
import { type Awaited, waitForBoard } from "../../providers/readiness/wait.ts";
import { variables } from "../../providers/steps/environment.ts";
import type { TftpTreeOutputs } from "../../providers/tftp-tree/inputs.ts";
import * as trees from "../../providers/tftp-tree/provider.ts";
import { thisMachine } from "../../providers/transport/local.ts";
import { until } from "../../tools/lib/until.ts";
import { dnsmasqProgram } from "../doubles/dnsmasq.ts";
import { freePort, type Sshd, startSshd } from "../doubles/sshd.ts";
import { startTethered, type Tethered } from "../doubles/tethered.ts";
import { tftpRead } from "../doubles/tftp-client.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
const generations = { first: "1111111111111111", second: "2222222222222222" };
const imageOf = (generation: string) => generation.repeat(4);
const overlay = "/image-hypervisor-aarch64/0123456789abcdef/hypervisor-aarch64.apkovl.tar.gz";

/** A real sshd in the place of a board, what is published for it in a real folder, and logs as a boot server writes them. */
describe("waiting for a board", () => {
  let folder: string;
  let sshd: Sshd;
  let published: TftpTreeOutputs;
  const root = () => join(folder, "tftp");
  const board = (change: object = {}) => ({
    ...{ name: "pi1", address: "127.0.0.1", port: sshd.port, user: "root", hostKey: hostKey.publicKey },
    serial: "100000009ffefd02",
    ...change,
  });
  const source = (): BootSource => ({
    connect: "local",
    site: "home",
    tftpRoot: root(),
    logFolder: join(folder, "log"),
  });

  /** The board's /run is a folder of the test; nobody else sees it as such. */
  const reportFile = () => join(folder, "run/bramble/report.json");
  const reportText = (change: Partial<ReadinessReport> = {}) =>
    printReadinessReport({
      board: "pi1",
      serial: "100000009ffefd02",
      generation: generations.second,
      overlay: imageOf(generations.second),
      versions: { kernel: "6.18.35", os: "Alpine Linux 3.24.4" },
      bootloader: null,
      problems: [],
      bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
      writtenAt: "2026-11-25T12:00:00Z",
      ...change,
    });
  const reports = async (text: string) => {
    await writeFile(`${reportFile()}.new`, text);
    await rename(`${reportFile()}.new`, reportFile());
  };
  const publish = async (generation: string, before?: TftpTreeOutputs) => {
    const cmdline = `ip=dhcp bramble.image=${imageOf(generation)} bramble.generation={generation}\n`;
    const inputs = {
      server: { connect: "local" } as const,
      root: root(),
      owner: { site: "home", id: "0a1b2c3d" },
      tree: "pi1",
      names: ["dc-a6-32-00-00-02", "pi1"],
      generation,
      files: { "config.txt": "os_prefix={generation}/\n", "{generation}/cmdline.txt": cmdline },
      blobs: {},
      keep: 3,
    };
    return before === undefined ? (await trees.create(inputs)).outs : (await trees.update("", before, inputs)).outs;
  };
  const listed = async (start: string) => {
    const { stdout } = await thisMachine().run('ls "$1"', [join(root(), ".bramble/trees/pi1")]);
    return stdout.split("\n").filter((name) => name.startsWith(start));
  };
  const asks = (path: string, status: number, secondsAgo = 0) =>
    appendFile(
      join(folder, "log/http.log"),
      `${JSON.stringify({ time: Date.now() / 1000 - secondsAgo, remote: "127.0.0.1", path, status, bytes: 1 })}\n`,
    );
  const wait = (change: Partial<Awaited> = {}) =>
    waitForBoard({
      board: board(),
      source: source(),
      deployKey: deployKey.privateKey,
      patience: 0,
      answerPatience: 1,
      say: () => undefined,
      ...change,
    });
  /** The step, as the engine runs it. */
  const step = (change: object = {}, patience = 0): ChildProcess =>
    spawn(process.execPath, ["providers/steps/main.ts", "board-ready", "apply"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        [variables.board]: JSON.stringify(board(change)),
        [variables.bootServer]: JSON.stringify(source()),
        [variables.sshKey]: deployKey.privateKey,
        [variables.patience]: String(patience),
      },
    });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-readiness-"));
    await mkdir(join(folder, "run/bramble"), { recursive: true });
    const own = `mount --bind ${folder}/run /run && exec sh -c "$SSH_ORIGINAL_COMMAND"`;
    sshd = await startSshd(hostKey, deployKey.publicKey, undefined, [`ForceCommand unshare --mount sh -c '${own}'`]);
    published = await publish(generations.second, await publish(generations.first));
  });
  beforeEach(async () => {
    await rm(join(folder, "log"), { recursive: true, force: true });
    await mkdir(join(folder, "log"));
    await reports(reportText());
  });
  after(async () => {
    sshd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("is over at once when it runs what is published", async () => {
    const { code, said } = await ended(step({}, 600));
    equal(code, 0, said);
    match(said, /^pi1 runs what is published for it$/m);
  });

  it("is over when it runs an older version that is still there, which is fine", async () => {
    await reports(reportText({ generation: generations.first, overlay: imageOf(generations.first) }));
    const { code, said } = await ended(step({}, 600));
    equal(code, 0, said);
    match(said, /pi1 can be used; reboot pending: it runs 1111111111111111, and 2222222222222222 is published/);
  });

  it("fails at once, whatever the patience, when only a restart would help", async () => {
    await reports(reportText({ generation: "3333333333333333" }));
    const { code, said } = await ended(step({}, 600));
    equal(code, 1, said);
    match(said, /pi1 is not ready .* no VM is made on it: it runs version 3333333333333333, which is not among/);
    match(said, /What runs on it was left alone/);
    await reports(reportText({ overlay: imageOf(generations.first) }));
    await rejects(wait({ patience: 600 }), /it has the image 1111111111111111, and version 2222222222222222 boots/);
    await rejects(wait({ patience: 600, board: board({ name: "pi2" }) }), /calls itself pi1/);
  });

  it("takes a version without the list of its files, of which half may be missing, for unknown", async () => {
    await reports(reportText({ generation: generations.first, overlay: imageOf(generations.first) }));
    const version = (await listed("1-")).find((name) => name.endsWith(".sha256"));
    ok(version !== undefined);
    const manifest = join(root(), ".bramble/trees/pi1", version);
    await rename(manifest, join(folder, "aside"));
    try {
      await rejects(wait(), /version 1111111111111111, which is not among the versions on the boot server/);
    } finally {
      await rename(join(folder, "aside"), manifest);
    }
    equal((await wait()).kind, "behind");
  });

  it("goes on while it reports problems, and ends when these are gone", async () => {
    await reports(reportText({ problems: ["the clock is not synchronised"] }));
    const lines: string[] = [];
    const say = (line: string) => {
      lines.push(line);
      void reports(reportText());
    };
    equal((await wait({ patience: 60, say })).kind, "current");
    match(lines.join("\n"), /^pi1 after \d s: it says of itself: the clock is not synchronised$/);
    await reports(reportText({ problems: ["the package qemu is not installed"] }));
    await rejects(wait(), /it says of itself: the package qemu is not installed/);
    await rejects(
      wait({ patience: 60, graces: { quiet: 1, identity: 1, problems: 1, report: 1 } }),
      /it says so since 1 s/,
    );
  });

  it("takes half a report, none, or one without end for none", async () => {
    await reports(reportText().slice(0, 200));
    await rejects(wait(), /not JSON: it may be half written/);
    await reports("x".repeat(10_000_000));
    await rejects(wait(), /more than 65536 bytes/);
    await rm(reportFile());
    await rejects(wait(), /pi1 has no readiness report: head: .*No such file/);
    const say = () => void reports(reportText());
    equal((await wait({ patience: 60, say })).kind, "current");
  });

  it("ends at once when another machine answers, and when it lets nobody in", async () => {
    const other = sshKeyPair(Buffer.alloc(32, 9));
    await rejects(wait({ patience: 600, board: board({ hostKey: other.publicKey }) }), (error: Error) => {
      ok(
        error.message.includes(fingerprint(other.publicKey)) && error.message.includes(fingerprint(hostKey.publicKey)),
      );
      return true;
    });
    await rejects(wait({ patience: 600, deployKey: other.privateKey }), /does not let Bramble in/);
  });

  it("ends soon after a board asked for its image in vain, and says that it runs a plain Alpine", async () => {
    const port = await freePort();
    await asks("/image-hypervisor-aarch64/x/y.apkovl.tar.gz", 404, 3000);
    const lines: string[] = [];
    const say = (line: string) => {
      lines.push(line);
      if (lines.length === 1) void asks(overlay, 404).then(() => asks("/modloop", 200));
    };
    await rejects(wait({ patience: 600, board: board({ port }), say }), (error: Error) => {
      match(error.message, /plain Alpine, with root without a password on its console, and nobody restarts it/);
      match(
        error.message,
        /last seen: at [\d:]{8} it asked for .*hypervisor-aarch64\.apkovl\.tar\.gz and got 404; at /,
      );
      return true;
    });
    match(lines[0] ?? "", /^pi1 after \d s: it is there and has no SSH server/);
  });

  it("ends when a board fetched all and has no SSH server, after a while", async () => {
    const port = await freePort();
    await asks(overlay, 200, 500);
    await asks("/modloop", 200, 400);
    const graces = { quiet: 2, identity: 1, problems: 1, report: 1 };
    const words = /it fetched its last file 4\d\d s ago, and has no SSH server yet: look at its console/;
    await rejects(wait({ patience: 600, board: board({ port }), graces }), words);
  });

  it("ends when the time is up, with what was last seen of a board that is off, or hangs", async () => {
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as AddressInfo;
    await asks(overlay, 200, 30);
    const { code, said } = await ended(step({ port }, 1));
    mute.close();
    equal(code, 1);
    match(said, /pi1 is not ready after \d+ s, so no VM is made on it: it is off, or still booting: nobody answers/);
    match(said, /last seen: at [\d:]{8} it asked for .* and got 200/);
  });

  it("ends when it is interrupted", async () => {
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const waiting = step({ port: (mute.address() as AddressInfo).port }, 600);
    const connected = once(mute, "connection");
    const over = ended(waiting);
    await connected;
    const start = performance.now();
    waiting.kill("SIGTERM");
    const { code } = await over;
    mute.close();
    equal(code, 130);
    ok(performance.now() - start < 5000);
  });

  it("says when it is the boot server that can't be asked, and goes on until that comes back", async () => {
    const port = await freePort();
    const server = { name: "tower", address: "127.0.0.1", port, user: "root", hostKey: hostKey.publicKey };
    const far: BootSource = { ...source(), ...server, connect: "ssh" };
    await rejects(
      wait({ source: far }),
      /it runs version 2222222222222222 \(the boot server can't be asked about it: tower \(127\.0\.0\.1\) could not be reached/,
    );
    let late: Promise<Sshd> | undefined;
    const say = () => {
      late ??= startSshd(hostKey, deployKey.publicKey, port);
    };
    equal((await wait({ source: far, patience: 60, say })).kind, "current");
    (await late)?.stop();
    ok(late !== undefined);
  });

  it("is the same over many boards: each has its own versions and traces, those of before the log was turned too", async () => {
    await asks("/a", 200, 20);
    await rename(join(folder, "log/http.log"), join(folder, "log/http.log.1"));
    await writeFile(join(folder, "log/http.log"), "");
    const boards = [{ name: "pi9", address: "127.0.0.9" }, { name: "pi1", address: "127.0.0.1" }, { name: "pi1" }];
    const [none, one, quiet] = await askBootServer(thisMachine(), source(), boards);
    equal(none?.published.kind === "versions" && none.published.known.length, 0);
    equal(none?.traces.lastSeen, undefined);
    match(one?.traces.lastSeen ?? "", /it asked for \/a and got 200/);
    ok(one?.published.kind === "versions");
    equal(one.published.served, generations.second);
    equal(
      one.published.known
        .map(({ generation }) => generation)
        .sort()
        .join(),
      Object.values(generations).join(),
    );
    equal(quiet?.traces.lastSeen, undefined);
    equal(published.generation, generations.second);
  });

  it("says which address a board got, and who else asked for its files, where that is wanted", async () => {
    const mac = "dc:a6:32:00:00:02";
    const stamp = "Nov 25 12:00:00";
    const log = [
      `${stamp} dnsmasq-dhcp[7]: DHCPREQUEST(eth0) 10.20.0.166 ${mac} `,
      `${stamp} dnsmasq-dhcp[7]: DHCPNAK(eth0) 10.20.0.166 ${mac} wrong server-ID`,
      `${stamp} dnsmasq-dhcp[7]: DHCPACK(eth0) 10.20.0.9 dc:a6:32:00:00:09 ${mac}`,
      `${stamp} dnsmasq-tftp[7]: sent ${root()}/pi1/start4.elf to 127.0.0.1`,
      `${stamp} dnsmasq-tftp[7]: sent ${root()}/pi1/start4.elf to 10.20.0.166`,
      `${stamp} dnsmasq-tftp[7]: sent ${root()}/pi10/pi1 to 10.20.0.167`,
    ];
    await writeFile(join(folder, "log/tftp.log"), `${log.join("\n")}\n`);
    const ask = { name: "pi1", address: "127.0.0.1" };
    const [known] = await askBootServer(thisMachine(), source(), [{ ...ask, mac, folders: ["pi1"] }]);
    deepEqual(
      known?.noted.addresses.map(({ kind, address }) => `${kind} ${address}`),
      ["request 10.20.0.166", "other-server 10.20.0.166", "files-from 10.20.0.166"],
    );
    deepEqual(
      known.noted.events.map(({ path }) => path),
      [`${root()}/pi1/start4.elf`],
    );
    const [unasked] = await askBootServer(thisMachine(), source(), [ask]);
    deepEqual(unasked?.noted.addresses, []);
  });

  it("finds the request for the image among thousands of others, and does nothing that a path says", async () => {
    await asks(overlay, 404, 100);
    const many = Array.from({ length: 5000 }, (_, index) => ({ path: `/packages/p${index}$(touch ${folder}/owned)` }));
    const lines = many.map(({ path }) =>
      JSON.stringify({ time: Date.now() / 1000, remote: "127.0.0.1", path, status: 200 }),
    );
    await appendFile(join(folder, "log/http.log"), `${lines.join("\n")}\nserved ../trees/pi1/9-0-0\nboard\n`);
    const [known] = await askBootServer(thisMachine(), source(), [board()]);
    equal(known?.traces.overlays.length, 1);
    match(known?.traces.lastSeen ?? "", /apkovl\.tar\.gz and got 404; .*p4999\$\(touch /);
    equal(known?.published.kind === "versions" && known.published.served, generations.second);
    equal((await thisMachine().run('test -e "$1"', [join(folder, "owned")])).code, 1);
  });
});

describe("what a boot server notes of boards", () => {
  it("is read as the real nginx and dnsmasq write it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bramble-notes-"));
    const [root, log] = [join(folder, "root"), join(folder, "log")];
    const running: Tethered[] = [];
    const start = (...command: [string, ...string[]]) => running.push(startTethered(command, join(folder, "unused")));
    try {
      await Promise.all([root, log].map((path) => mkdir(path)));
      await thisMachine().run('chmod 0755 "$@"', [folder, root, log]);
      await writeFile(join(root, "vmlinuz"), "kernel");
      const port = await freePort();
      const names = {
        pidFile: join(folder, "pid"),
        accessLog: join(log, "http.log"),
        tempFolder: join(folder, "temp"),
        bootLog: join(log, "boots.log"),
      };
      const nginx = nginxConf({
        address: "127.0.0.1",
        port,
        root,
        boards: root,
        errorLog: join(log, "errors"),
        ...names,
      });
      await writeFile(join(folder, "nginx.conf"), nginx);
      start("nginx", "-c", join(folder, "nginx.conf"), "-g", "daemon off;");
      const tftpAddress = "127.88.12.9";
      const settings = [
        `listen-address=${tftpAddress}`,
        "port=0",
        "bind-interfaces",
        "enable-tftp",
        `tftp-root=${root}`,
      ];
      const files = [`log-facility=${join(log, "tftp.log")}`, "pid-file", `dhcp-leasefile=${join(folder, "leases")}`];
      await writeFile(join(folder, "dnsmasq.conf"), `${[...settings, ...files].join("\n")}\n`);
      start(dnsmasqProgram, "--keep-in-foreground", `--conf-file=${join(folder, "dnsmasq.conf")}`);

      const seen = async () => {
        const source: BootSource = { connect: "local", site: "home", tftpRoot: root, logFolder: log };
        const [known] = await askBootServer(thisMachine(), source, [{ name: "pi1", address: "127.0.0.1" }]);
        return known?.traces.lastSeen ?? "";
      };
      const read = () => tftpRead({ address: tftpAddress }, "vmlinuz", { blockSize: 512, fileTimeout: 2000 });
      await until("a file by TFTP", async () => (await read()).kind === "found", { deadline: 5000 });
      await until("the word of dnsmasq", async () => /it was sent .*\/root\/vmlinuz by TFTP$/.test(await seen()), {
        deadline: 5000,
      });
      const asked = () => fetch(`http://127.0.0.1:${port}${overlay}`).catch(() => undefined);
      await until("an answer of nginx", async () => (await asked())?.status === 404, { deadline: 5000 });
      await until("the word of nginx", async () => (await seen()).endsWith(`it asked for ${overlay} and got 404`), {
        deadline: 5000,
      });
    } finally {
      await Promise.all(running.map(({ stop }) => stop()));
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function ended(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      said += data.toString("utf8");
    });
  }
  const [code] = await once(child, "close");
  return { code, said };
}
