import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nginxConf } from "../../formats/nginx-conf.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { bootServerFiles, identityUrl } from "../../providers/steps/boot-server-files.ts";
import type { RunResult } from "../../tools/lib/run.ts";
import { type AlpineRoot, makeAlpineRoot } from "../doubles/alpine-root.ts";
import {
  address,
  type BootMachine,
  httpRoot,
  startBootMachine,
  tftpRoot,
  whyNoBootMachine,
} from "./support/boot-machine.ts";

const files = bootServerFiles("home");
const [pi1, pi2, stranger] = ["127.0.0.11", "127.0.0.12", "127.0.0.13"];
const seeds = { hostSeed: "11".repeat(32), caSeed: "99".repeat(32) };
const { privateKey } = sshKeyPair(Buffer.from(seeds.hostSeed, "hex"));
const httpPort = 8080;
const nginx = nginxConf({
  address,
  port: httpPort,
  root: httpRoot,
  boards: tftpRoot,
  pidFile: files.nginxPid,
  accessLog: files.nginxAccessLog,
  bootLog: files.nginxBootLog,
  errorLog: files.nginxErrorLog,
  tempFolder: files.nginxTemp,
});
const overlay = `http://${address}:${httpPort}/image/0a1b/hypervisor.apkovl.tar.gz`;
const identity = identityUrl(address, httpPort);

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

for (const shell of ["dash", "busybox"]) {
  describe(`the identity service, where /bin/sh is ${shell}`, function () {
    this.timeout(60_000);
    let server: BootMachine;

    before(async function () {
      if ((await whyNoBootMachine()) !== undefined) this.skip();
      server = await startBootMachine("local");
      await server.run("sh", "-c", 'mount --bind "$(command -v "$1")" "$(readlink -f /bin/sh)"', "sh", shell);
      await succeeds(server.apply({ nginx }));
      for (const [board, at] of [
        ["pi1", pi1],
        ["pi2", pi2],
      ]) {
        const wish = { server: { connect: "local" }, root: files.identities, owner: { site: "home", id: "first" } };
        const own = { board, address: at, principals: [board, at], ...seeds };
        await server.runModule(publish, JSON.stringify({ ...wish, ...own }));
      }
      await server.run(
        "sh",
        "-c",
        `mkdir -p ${httpRoot}/image/0a1b && echo overlay >${httpRoot}/image/0a1b/hypervisor.apkovl.tar.gz`,
      );
    });
    after(() => server?.stop());

    /** Asks from an address of the machine's own, with a path that is sent as it is written. */
    const ask = async (from: string | undefined, url: string, method = "GET", times = 1): Promise<Answer> => {
      const [answer] = await askTogether(from, url, method, times);
      assert.ok(answer !== undefined);
      return answer;
    };
    const askTogether = async (
      from: string | undefined,
      url: string,
      method: string,
      times: number,
    ): Promise<Answer[]> => JSON.parse(await server.runModule(request, from ?? "", url, method, String(times)));
    const boot = async (from: string | undefined) => assert.equal((await ask(from, overlay)).status, 200);
    const noted = async (): Promise<{ time: number; remote: string; status: number; why: string }[]> => {
      const lines = (await server.run("cat", "/var/log/bramble/home/identity.log")).trim().split("\n");
      return lines.map((line) => JSON.parse(line));
    };
    const last = async () => {
      const { remote, status, why } = (await noted()).at(-1) ?? {};
      return [remote, status, why];
    };

    it("runs as a user of its own, who owns nothing but what it writes down", async () => {
      const pid = (await server.run("cat", "/run/bramble/home/httpd.pid")).trim();
      const uid = (await server.run("id", "-u", "bramble-home")).trim();
      assert.match(await server.run("cat", `/proc/${pid}/status`), new RegExp(`^Uid:(\\s+${uid}){4}$`, "m"));
      const owned = await server.run(
        "sh",
        "-c",
        "find /etc /run/bramble /srv /var/lib /var/log -user bramble-home | sort",
      );
      assert.equal(owned, "/var/lib/bramble/home/claims\n/var/log/bramble/home/identity.log\n");
      const modes = await server.run("stat", "-c", "%a %U:%G", files.identities, `${files.identities}/${pi1}.tar`);
      assert.equal(modes, "2750 root:bramble-home\n640 root:bramble-home\n");
    });

    it("gives a board nothing before it has loaded a system", async () => {
      const { status, body } = await ask(pi1, identity);
      assert.deepEqual([status, body], [403, "this board has not loaded a system\n"]);
      assert.deepEqual(await last(), [pi1, 403, "this board has not loaded a system"]);
      await ask(pi1, overlay, "HEAD");
      assert.equal((await ask(pi1, `${overlay.replace("hypervisor", "none")}`)).status, 404);
      await ask(pi1, `http://${address}:${httpPort}/image/x","status":200,"bytes":9}.apkovl.tar.gz`);
      assert.equal((await ask(pi1, identity)).status, 403);
    });

    it("refuses whatever else is asked, and that takes nothing from the board", async () => {
      await boot(pi1);
      assert.equal((await ask(pi1, identity, "POST")).status, 405);
      assert.equal((await ask(pi1, identity, "HEAD")).status, 405);
      assert.equal((await ask(pi1, `${identity}?address=${pi2}`)).status, 400);
      assert.equal((await ask(pi1, `${identity}/../${pi2}`)).status, 404);
      assert.equal((await ask(pi1, `${identity}/${pi2}`)).status, 400);
      assert.equal((await ask(pi1, `${identity}/$(id)`)).status, 400);
      for (const path of [
        "",
        "cgi-bin/",
        "httpd.conf",
        "../httpd.conf",
        "%2e%2e/httpd.conf",
        "cgi-bin/../../httpd.conf",
      ])
        assert.ok((await ask(pi1, `${new URL("/", identity)}${path}`)).status >= 400, path);
      assert.deepEqual(await claims(), []);
    });

    it("gives it the files of its identity once, and writes that down", async () => {
      const { status, type, body } = await ask(pi1, identity);
      assert.deepEqual([status, type], [200, "application/x-tar"]);
      await server.run("mkdir", "-p", "/run/pi1");
      const unpack = 'printf %s "$1" | base64 -d | busybox tar -x -C /run/pi1';
      await server.run("sh", "-euc", unpack, "sh", Buffer.from(body, "latin1").toString("base64"));
      assert.equal(await server.run("cat", "/run/pi1/etc/ssh/ssh_host_ed25519_key"), privateKey);
      assert.match(
        await server.run("ssh-keygen", "-L", "-f", "/run/pi1/etc/ssh/ssh_host_ed25519_key-cert.pub"),
        /Key ID: "board pi1 of home"/,
      );
      assert.deepEqual(await last(), [pi1, 200, "the first request of this boot"]);
      const again = await ask(pi1, identity);
      assert.deepEqual([again.status, again.body.includes("PRIVATE")], [403, false]);
      assert.deepEqual(await last(), [pi1, 403, "it was given already since this board has loaded its system"]);
    });

    it("gives nothing to another address, whatever that has loaded", async () => {
      await boot(stranger);
      assert.equal((await ask(stranger, identity)).status, 403);
      assert.deepEqual(await last(), [stranger, 403, "no board has this address"]);
      await boot(undefined);
      assert.equal((await ask(undefined, identity)).status, 403);
    });

    it("gives it again after the next boot, and forgets the boot before", async () => {
      await boot(pi1);
      assert.equal((await ask(pi1, identity)).status, 200);
      assert.equal((await ask(pi1, identity)).status, 403);
      assert.equal((await claims()).length, 1);
    });

    it("gives it to one of many that ask at the same time", async () => {
      await boot(pi2);
      const answers = await askTogether(pi2, identity, "GET", 8);
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 403, 403, 403, 403, 403, 403, 403]);
      assert.equal((await claims()).length, 2);
    });

    it("remembers what it has given when it is started anew, and a boot whose log was rotated since", async () => {
      await server.run("sh", "-c", "kill $(cat /run/bramble/home/httpd.pid)");
      assert.match(await succeeds(server.apply({ nginx })), /identities: started/);
      assert.equal((await ask(pi2, identity)).status, 403);
      await boot(pi2);
      await server.run("sh", "-c", `cp ${files.nginxBootLog} ${files.nginxBootLog}.1 && : >${files.nginxBootLog}`);
      await boot(pi1);
      assert.equal((await ask(pi2, identity)).status, 200);
      assert.equal((await ask(pi2, identity)).status, 403);
    });

    it("gives nothing that it can't write down", async () => {
      await boot(pi1);
      await server.run("chown", "root:root", "/var/log/bramble/home/identity.log");
      const { status, body } = await ask(pi1, identity);
      assert.deepEqual([status, body], [500, "the log cannot be written\n"]);
      assert.match(await succeeds(server.apply({ nginx })), /identities: unchanged/);
      assert.equal((await ask(pi1, identity)).status, 200);
    });

    it("is found by no way through the other services", async () => {
      const inIdentities = `${files.identities}/${pi1}.tar`;
      const up = "../".repeat(5);
      for (const path of [
        `/${up}${inIdentities}`,
        `/boards/${up}${inIdentities}`,
        `/boards..${inIdentities}`,
        `/boards/%2e%2e/%2e%2e${inIdentities}`,
      ])
        assert.ok((await ask(pi1, `http://${address}:${httpPort}${path}`)).status >= 400, path);
      await assert.rejects(server.tftp(`${up}${inIdentities.slice(1)}`));
      await assert.rejects(server.tftp(inIdentities));
    });

    it("lies beside boards' folders, of which everything is seen by HTTP but what is hidden in them", async () => {
      const make = `cd ${tftpRoot}
        mkdir -p .bramble/current/pi1/0a1b/seed .bramble/trees
        echo here >.bramble/current/pi1/0a1b/seed/meta-data
        echo hidden >.bramble/current/pi1/.hidden
        ln -s .bramble/current/pi1 dc-a6-32-00-00-01`;
      await server.run("sh", "-euc", make);
      const at = (path: string, method?: string) => ask(pi1, `http://${address}:${httpPort}/boards/${path}`, method);
      const seed = "dc-a6-32-00-00-01/0a1b/seed/meta-data";
      assert.deepEqual([(await at(seed)).status, (await at(seed)).body], [200, "here\n"]);
      assert.equal((await at(seed, "HEAD")).status, 200);
      assert.equal((await at(seed, "POST")).status, 403);
      assert.equal((await at(seed, "DELETE")).status, 403);
      for (const path of [
        ".bramble/current/pi1/0a1b/seed/meta-data",
        "%2ebramble/trees/",
        "/.bramble/trees",
        "dc-a6-32-00-00-01/.hidden",
        "x/../.bramble/",
      ])
        assert.equal((await at(path)).status, 404, path);
      for (const path of ["", "dc-a6-32-00-00-01/"]) assert.equal((await at(path)).status, 403, path);
    });

    it("goes with its user, and leaves identities to what published them, for nobody else to read", async () => {
      await succeeds(server.remove());
      assert.equal(await server.run("stat", "-c", "%a %U:%G", files.identities), "700 root:root\n");
      assert.equal(await server.run("sh", "-c", "getent passwd bramble-home; getent group bramble-home; true"), "");
      assert.match(await succeeds(server.apply({ nginx })), /identities: started/);
      assert.match(await server.run("stat", "-c", "%a %G", `${files.identities}/${pi1}.tar`), /^640 bramble-home$/m);
      for (const board of ["pi1", "pi2"])
        await server.runModule(
          withdraw,
          JSON.stringify({ board, address: board === "pi1" ? pi1 : pi2 }),
          files.identities,
        );
      await succeeds(server.remove());
      assert.equal(await server.run("find", "/etc", "/var/lib", "/var/log", "-path", "*bramble*"), "");
      assert.equal(await server.run("find", "/run", "-maxdepth", "1", "-name", "bramble"), "");
    });

    async function claims(): Promise<string[]> {
      return (await server.run("ls", "/var/lib/bramble/home/claims")).split("\n").filter((name) => name !== "");
    }
  });
}

describe("the identity service's script, on Alpine", () => {
  let alpine: AlpineRoot;
  before(async () => {
    alpine = await makeAlpineRoot();
    const script = new URL("../../providers/steps/guest/boot-server-identity.sh", import.meta.url);
    await writeFile(join(alpine.path, "identity"), `site=home\n${await readFile(script, "utf8")}`);
    for (const folder of ["log/bramble/home", "lib/bramble/home/identities", "lib/bramble/home/claims"])
      await mkdir(join(alpine.path, "var", folder), { recursive: true });
    await writeFile(join(alpine.path, files.identities, `${pi1}.tar`), "the archive");
  });
  after(() => alpine?.remove());
  const ask = async (env: NodeJS.ProcessEnv) =>
    (await alpine.run(["sh", "/identity"], { env: { REQUEST_METHOD: "GET", ...env } })).stdout;
  const load = (time: number, from = pi1) => {
    const line = { time, remote: from, path: "/image/0a1b/x.apkovl.tar.gz", status: 200, bytes: 9 };
    return appendFile(join(alpine.path, files.nginxBootLog), `${JSON.stringify(line)}\n`);
  };

  it("gives an identity once for each boot", async () => {
    assert.match(await ask({ REMOTE_ADDR: pi1 }), /^Status: 403 Forbidden\r\n[\s\S]*has not loaded a system\n$/);
    await load(1_800_000_000.125);
    const given = "Content-Type: application/x-tar\r\nCache-Control: no-store\r\n\r\nthe archive";
    assert.equal(await ask({ REMOTE_ADDR: pi1 }), given);
    assert.match(await ask({ REMOTE_ADDR: pi1 }), /^Status: 403[\s\S]*it was given already/);
    await load(1_800_000_099.5);
    assert.equal(await ask({ REMOTE_ADDR: pi1 }), given);
    assert.match(await ask({ REMOTE_ADDR: pi1 }), /^Status: 403/);
    const log = await readFile(join(alpine.path, "var/log/bramble/home/identity.log"), "utf8");
    const lines = log.trim().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).status),
      [403, 200, 403, 200, 403],
    );
  });

  it("takes neither another's boot nor another's address for its own", async () => {
    await load(1_800_000_200.5, pi2);
    assert.match(await ask({ REMOTE_ADDR: pi1 }), /^Status: 403/);
    for (const remote of ["", "..", `${pi1}/`, `../identities/${pi1}`, "$(id)", '"'])
      assert.match(await ask({ REMOTE_ADDR: remote }), /^Status: 403[\s\S]*no board has this address\n$/, remote);
  });

  it("finds a boot in a log of 20 MB in a moment", async () => {
    const other = `{"time":1800000300.123,"remote":"10.20.0.99","path":"/image/x.apkovl.tar.gz","status":200,"bytes":9}\n`;
    await appendFile(join(alpine.path, files.nginxBootLog), other.repeat(200_000));
    await load(1_800_000_400.5);
    const started = performance.now();
    assert.match(await ask({ REMOTE_ADDR: pi1 }), /the archive$/);
    assert.ok(performance.now() - started < 2000);
  });
});

describe("the boot server step", function () {
  this.timeout(60_000);
  let server: BootMachine;
  before(async function () {
    if ((await whyNoBootMachine()) !== undefined) this.skip();
    server = await startBootMachine("local");
  });
  after(() => server?.stop());

  it("refuses to serve a folder in which secrets lie", async () => {
    const { code, stderr } = await server.apply({ nginx, tftpRoot: "/var/lib" });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /\/var\/lib is served to everybody, and \/var\/lib\/bramble\/home, where secrets .* lies in it/,
    );
  });

  it("refuses a port after which there is none", async () => {
    const { code, stderr } = await server.apply({ nginx, httpPort: 65_535 });
    assert.equal(code, 1);
    assert.match(stderr, /httpPort: 65535 leaves no port for the boards' identities/);
  });

  it("names the program that has the port of the identities", async () => {
    const script = `require("net").createServer().listen(8081, "${address}", () => console.log("ready"))`;
    const other = await server.start(process.execPath, "-e", script);
    const { code, stderr } = await server.apply({ nginx });
    await other.stop();
    assert.equal(code, 1);
    assert.match(stderr, /port 8081\/tcp of 127\.0\.0\.1, for the boards' identities, is held by node/);
  });
});

const provider = new URL("../../providers/board-identity/provider.ts", import.meta.url).href;
const publish = `import { create } from "${provider}"; await create(JSON.parse(process.argv[1]));`;
const withdraw = `import { delete as remove } from "${provider}";
const [board, root] = process.argv.slice(1);
await remove("", { server: { connect: "local" }, root, owner: { site: "home" }, ...JSON.parse(board) });`;

/** Node's client sends paths as they are, and from the address that is asked for. */
const request = `import { request } from "node:http";
import { text } from "node:stream/consumers";
const [localAddress, url, method, times] = process.argv.slice(1);
const [, host, port, path] = /^http:[/][/]([^:]+):([0-9]+)(.*)$/.exec(url);
const ask = () => new Promise((resolve, reject) => {
  const asked = request({ host, port, path, method, agent: false, ...(localAddress && { localAddress }) }, async (answer) => {
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("latin1");
    resolve({ status: answer.statusCode, type: answer.headers["content-type"] ?? "", body });
  });
  asked.on("error", reject);
  asked.end();
});
console.log(JSON.stringify(await Promise.all(Array.from({ length: Number(times) }, ask))));`;

async function succeeds(result: Promise<RunResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr);
  return stdout;
}
