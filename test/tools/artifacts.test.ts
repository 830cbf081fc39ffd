import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { execPath } from "node:process";
import { isSet, lockPath, parseLock } from "../../formats/artifact-lock.ts";
import { addArtifact } from "../../tools/artifacts/add.ts";
import { fetchArtifacts } from "../../tools/artifacts/fetch.ts";
import { listArtifacts, listFiles } from "../../tools/artifacts/list.ts";
import { updateArtifacts } from "../../tools/artifacts/update.ts";
import { addMirror, mirrorsFrom, throughMirror } from "../../tools/artifacts/upstream.ts";
import { verifyArtifacts } from "../../tools/artifacts/verify.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { until } from "../../tools/lib/until.ts";
import {
  type Commit,
  gitBlob,
  publishAlpine,
  sha256,
  startUpstream,
  type UpstreamServer,
} from "../doubles/upstream.ts";
import { makeFolder, removeFolder } from "./setup-project.ts";

let project: string;
let upstream: UpstreamServer;
let said: string[];
const never = new AbortController().signal;
const say = (line: string) => {
  said.push(line);
};

const update = (options: { names?: string[]; version?: string; check?: boolean; signal?: AbortSignal } = {}) =>
  updateArtifacts({
    project,
    names: [],
    mirrors: upstream.mirrors,
    wanted: () => [],
    signal: never,
    quiet: true,
    say,
    ...options,
  });
const fetch = (options: { names?: string[]; signal?: AbortSignal } = {}) =>
  fetchArtifacts({ project, names: [], mirrors: upstream.mirrors, signal: never, quiet: true, say, ...options });
const add = (name: string, file: string, version = "1", url?: string) =>
  addArtifact({ project, name, file, version, url, signal: never, say });

describe("bramble artifacts", function () {
  this.timeout(60_000);

  beforeEach(async () => {
    project = await makeFolder();
    upstream = await startUpstream();
    said = [];
  });

  afterEach(async () => {
    upstream.stop();
    await removeFolder(project);
  });

  describe("update", () => {
    it("pins what Alpine publishes, with its maker's address and each file that boards use", async () => {
      await publishAlpine(upstream, "3.98.7", system("older"));
      const archive = await publishAlpine(upstream, "3.99.1", system("new"));
      await update({ names: ["alpine-rpi"] });
      const entry = (await lock()).artifacts["alpine-rpi"];
      assert.ok(entry?.files !== undefined && !isSet(entry));
      assert.equal(entry.version, "3.99.1");
      assert.equal(entry.released, "2026-11-05");
      assert.equal(
        entry.url,
        "https://dl-cdn.alpinelinux.org/alpine/v3.99/releases/aarch64/alpine-rpi-3.99.1-aarch64.tar.gz",
      );
      assert.equal(entry.sha256, sha256(archive));
      assert.equal(entry.bytes, archive.length);
      const used = Object.entries(system("new")).filter(([path]) => !unused.includes(path));
      const expected = used.map(([path, bytes]) => [path, { sha256: sha256(bytes), bytes: bytes.length }]);
      assert.deepEqual(entry.files, Object.fromEntries(expected));
      for (const [, bytes] of used) assert.deepEqual(await cached(sha256(bytes)), bytes);
      assert.deepEqual(await cached(entry.sha256), archive);
      assert.match(said.join("\n"), /alpine-rpi +- +3\.99\.1 /);
    });

    it("pins Raspberry Pi's recommended bootloader, and what writes it, at the commits that have them", async () => {
      upstream.commits.push(...history());
      await update({ names: ["pi-eeprom-2711", "pi-recovery-2711"] });
      const { artifacts } = await lock();
      const raw = "https://raw.githubusercontent.com/raspberrypi/rpi-eeprom";
      assert.deepEqual(artifacts["pi-eeprom-2711"], {
        version: "2026-05-17",
        released: "2026-05-17",
        url: `${raw}/${"3".repeat(40)}/firmware-2711/default/pieeprom-2026-05-17.bin`,
        ...content("image of May"),
      });
      // Last changed by the first commit, and still the same at the newest.
      assert.deepEqual(artifacts["pi-recovery-2711"], {
        version: "2026-01-10",
        released: "2026-01-10",
        url: `${raw}/${"1".repeat(40)}/firmware-2711/default/recovery.bin`,
        ...content("recovery"),
      });
    });

    it("compares with the name that git gives to content, which this server computes as git does", () => {
      assert.equal(gitBlob(Buffer.from("hello\n")), "ce013625030ba8dba906f756967f9e9ca394464a");
    });

    it("pins an older version when asked, also one that the newest list no longer has", async () => {
      await publishAlpine(upstream, "3.99.0", system("older"));
      await publishAlpine(upstream, "3.99.1", system("new"));
      upstream.commits.push(...history());
      await update({ names: ["alpine-rpi"], version: "3.99.0" });
      await update({ names: ["pi-eeprom-2711"], version: "2026-01-09" });
      const { artifacts } = await lock();
      assert.equal(artifacts["alpine-rpi"]?.version, "3.99.0");
      assert.match(
        artifacts["pi-eeprom-2711"]?.url ?? "",
        /3{40}\/firmware-2711\/old\/default\/pieeprom-2026-01-09\.bin$/,
      );
      await assert.rejects(update({ names: ["alpine-rpi"], version: "3.99.9" }), /Alpine has no alpine-rpi 3\.99\.9/);
      await assert.rejects(update({ names: ["alpine-rpi"], version: "newest" }), /versions look like 3\.24\.4/);
      await assert.rejects(update({ names: ["pi-eeprom-2711"], version: "2020-01-01" }), /has no pieeprom-2020-01-01/);
      await assert.rejects(
        update({ names: ["pi-recovery-2711"], version: "2026-03-01" }),
        /change before was on 2026-01-10/,
      );
    });

    it("pins everything that it knows at first, and later what the lock has", async () => {
      await publishAll();
      await update();
      assert.deepEqual(Object.keys((await lock()).artifacts), known);
      await writeFile(`${project}/${lockPath}`, '{ "format": 1, "artifacts": {} }');
      await update({ names: ["pi-eeprom-2712"] });
      await update();
      assert.deepEqual(Object.keys((await lock()).artifacts), ["pi-eeprom-2712"]);
    });

    it("writes the same text again, and downloads nothing again, when nothing is newer", async () => {
      await publishAll();
      await update();
      const before = await lockText();
      upstream.requests.splice(0);
      // The same image can now be had at another commit, too.
      const more = ["firmware-2711/latest/pieeprom-2026-06-30.bin", Buffer.from("not recommended yet")] as const;
      upstream.commits.push({ sha: "4".repeat(40), date: "2026-07-01T09:00:00Z", tree: new Map([...tree(), more]) });
      await update();
      assert.equal(await lockText(), before);
      const downloads = upstream.requests.filter(({ path }) => /\.(gz|bin)$/.test(path));
      assert.deepEqual(
        downloads.filter(({ path }) => !path.includes("path=")),
        [],
      );
    });

    it("only says what is newer with --check", async () => {
      await publishAlpine(upstream, "3.99.0", system("older"));
      await update({ names: ["alpine-rpi"] });
      const before = await lockText();
      assert.equal(await update({ check: true }), true);
      await publishAlpine(upstream, "3.99.1", system("new"));
      assert.equal(await update({ check: true }), false);
      assert.match(said.at(-1) ?? "", /^alpine-rpi +3\.99\.0 +3\.99\.1/);
      assert.equal(await lockText(), before);
    });

    it("leaves the entry of one that fails as it was, and pins the others", async () => {
      await publishAll();
      await update();
      await publishAlpine(upstream, "3.99.2", system("newer"));
      upstream.commits.push({
        sha: "4".repeat(40),
        date: "2026-07-01T00:00:00Z",
        tree: new Map([...tree(), image("2026-06-30", "image of June")]),
      });
      upstream.faults.set("pieeprom-2026-06-30.bin", { kind: "status", status: 404 });
      await assert.rejects(
        update(),
        /^Error: pi-eeprom-2711: 127\.0\.0\.1:\d+ answers 404 for .*pieeprom-2026-06-30\.bin$/,
      );
      const { artifacts } = await lock();
      assert.equal(artifacts["pi-eeprom-2711"]?.version, "2026-05-17");
      assert.equal(artifacts["alpine-rpi"]?.version, "3.99.2");
    });

    it("refuses other content under a version that is pinned, with both hashes", async () => {
      const first = await publishAlpine(upstream, "3.99.1", system("new"));
      await update({ names: ["alpine-rpi"] });
      const before = await lockText();
      const second = await publishAlpine(upstream, "3.99.1", system("swapped"));
      const hashes = new RegExp(`has changed: SHA-256 ${sha256(second)}, pinned ${sha256(first)}`);
      await assert.rejects(update(), hashes);
      // Also where only the download shows it, since git's list says the new content too.
      upstream.commits.push(...history());
      await update({ names: ["pi-eeprom-2711"] });
      const pinned = await lockText();
      await removeCache();
      upstream.commits.push({
        sha: "4".repeat(40),
        date: "2026-07-01T00:00:00Z",
        tree: new Map([...tree(), image("2026-05-17", "another May")]),
      });
      await assert.rejects(update({ names: ["pi-eeprom-2711"] }), /has changed: SHA-256 /);
      assert.deepEqual(await cachedNames(), []);
      assert.notEqual(pinned, before);
      assert.equal(await lockText(), pinned);
    });

    it("refuses what is not what its maker says that it published, and keeps nothing of it", async () => {
      const archive = await publishAlpine(upstream, "3.99.1", system("new"));
      upstream.faults.set("aarch64.tar.gz", { kind: "other", bytes: archive.subarray(0, 5000) });
      upstream.commits.push(...history());
      upstream.faults.set("pieeprom-2026-05-17.bin", { kind: "other", bytes: Buffer.from("image of Bad") });
      await assert.rejects(update({ names: ["alpine-rpi", "pi-eeprom-2711"] }), ({ message }: Error) => {
        assert.match(message, new RegExp(`SHA-256 ${sha256(archive.subarray(0, 5000))}, published ${sha256(archive)}`));
        assert.match(message, new RegExp(`git's hash ${gitBlob(Buffer.from("image of Bad"))}, published`));
        return true;
      });
      assert.deepEqual(await cachedNames(), []);
      await assert.rejects(lockText(), /ENOENT/);
    });

    it("refuses an archive without a file that boards need", async () => {
      const { "boot/initramfs-rpi": _, ...others } = system("new");
      await publishAlpine(upstream, "3.99.1", others);
      await assert.rejects(update({ names: ["alpine-rpi"] }), /alpine-rpi 3\.99\.1 lacks boot\/initramfs-rpi/);
    });

    it("says when GitHub takes questions again", async () => {
      upstream.faults.set("per_page=1", {
        kind: "status",
        status: 403,
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Date.UTC(2026, 10, 5, 14, 30) / 1000) },
      });
      await assert.rejects(update({ names: ["pi-eeprom-2711"] }), /answers 403 .*after 14:30 UTC, or download/s);
    });

    it("refuses a list that is none, such as a login page in between", async () => {
      const page = Buffer.from("<html><title>Please log in: here</title></html>");
      upstream.files.set("/alpine/latest-stable/releases/aarch64/latest-releases.yaml", page);
      await assert.rejects(update({ names: ["alpine-rpi"] }), /latest-releases\.yaml is no list of releases/);
      upstream.faults.set("per_page=1", { kind: "other", bytes: page });
      await assert.rejects(update({ names: ["pi-eeprom-2711"] }), /does not answer as GitHub's API does/);
    });

    it("refuses a name that it does not know, and a version for several", async () => {
      await assert.rejects(
        update({ names: ["my-kernel"] }),
        /does not know where my-kernel is published.*artifacts add my-kernel/s,
      );
      await assert.rejects(update({ version: "3.99.1" }), /--version goes with the name of one artifact/);
    });

    it("gives up in seconds without a network, and says what else can be done", async () => {
      upstream.stop();
      const begin = performance.now();
      await assert.rejects(update(), ({ message }: Error) => {
        assert.match(message, /alpine-rpi: 127\.0\.0\.1:\d+ cannot be reached: it refuses the connection/);
        assert.match(message, /copy the folder \.bramble\/artifacts .*--mirror NAME=ADDRESS/s);
        return true;
      });
      assert.ok(performance.now() - begin < 5000);
    });
  });

  describe("fetch", () => {
    let archive: Buffer;

    /** A lock from another machine, and an empty cache. */
    beforeEach(async () => {
      archive = await publishAlpine(upstream, "3.99.1", system("new"));
      await update({ names: ["alpine-rpi"] });
      await removeCache();
      upstream.requests.splice(0);
      said.splice(0);
    });

    it("downloads what the lock names, and the second time asks nobody", async () => {
      await fetch();
      assert.deepEqual(await cached(sha256(archive)), archive);
      const initramfs = system("new")["boot/initramfs-rpi"];
      assert.ok(initramfs !== undefined);
      assert.deepEqual(await cached(sha256(initramfs)), initramfs);
      assert.equal(upstream.requests.length, 1);
      upstream.stop();
      const begin = performance.now();
      await fetch();
      assert.ok(performance.now() - begin < 1000);
      assert.match(said.at(-1) ?? "", /^All is there: alpine-rpi 3\.99\.1/);
    });

    it("goes on where a download broke off, and never names a part of it as the whole", async () => {
      await fetchBreaksOff();
      assert.deepEqual(await cachedNames(), []);
      upstream.faults.clear();
      await fetch();
      assert.equal(upstream.requests.at(-1)?.range, "bytes=100000-");
      assert.deepEqual(await cached(sha256(archive)), archive);
    });

    it("begins again where the server knows no ranges", async () => {
      await fetchBreaksOff();
      upstream.faults.set("aarch64.tar.gz", { kind: "no-ranges" });
      await fetch();
      assert.equal(upstream.requests.at(-1)?.range, "bytes=100000-");
      assert.deepEqual(await cached(sha256(archive)), archive);
    });

    it("begins again when what was there before is wrong, or too long", async () => {
      for (const rest of [Buffer.alloc(1000), Buffer.alloc(archive.length + 1)]) {
        await removeCache();
        await mkdir(`${project}/.bramble/artifacts/partial`, { recursive: true });
        await writeFile(`${project}/.bramble/artifacts/partial/${sha256(archive)}`, rest);
        await fetch();
        assert.deepEqual(await cached(sha256(archive)), archive);
      }
    });

    for (const [what, change] of [
      ["other", (bytes: Buffer) => Buffer.concat([bytes.subarray(1), Buffer.from("x")])],
      ["less", (bytes: Buffer) => bytes.subarray(0, -1)],
      ["more", (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 1000)])],
    ] as const) {
      it(`refuses ${what} content under the same address with both hashes, and keeps nothing of it`, async () => {
        const swapped = change(archive);
        upstream.faults.set("aarch64.tar.gz", { kind: "other", bytes: swapped });
        await assert.rejects(fetch(), new RegExp(`SHA-256 ${sha256(swapped)}, published ${sha256(archive)}`));
        assert.deepEqual(await cachedNames(), []);
        assert.deepEqual(await readdir(`${project}/.bramble/artifacts/partial`), []);
      });
    }

    it("stops a download that does not end", async () => {
      const endless = Buffer.alloc(archive.length * 2 + 2_000_000);
      upstream.faults.set("aarch64.tar.gz", { kind: "other", bytes: endless });
      await assert.rejects(fetch(), /does not end after \d+ bytes/);
      assert.deepEqual(await cachedNames(), []);
    });

    it("says what the server answers, and follows it elsewhere", async () => {
      upstream.faults.set("aarch64.tar.gz", { kind: "status", status: 404 });
      await assert.rejects(fetch(), /alpine-rpi 3\.99\.1: 127\.0\.0\.1:\d+ answers 404 for http/);
      upstream.files.set("/elsewhere", archive);
      upstream.faults.set("aarch64.tar.gz", { kind: "redirect", to: "/elsewhere" });
      await fetch();
      assert.deepEqual(await cached(sha256(archive)), archive);
    });

    it("gives up on a server that stops sending, and keeps what came for the next time", async () => {
      upstream.faults.set("aarch64.tar.gz", { kind: "stall", after: 100_000 });
      const begin = performance.now();
      await assert.rejects(fetch(), /sends less than 20 KB a second/);
      assert.ok(performance.now() - begin < 25_000);
      upstream.faults.clear();
      await fetch();
      assert.equal(upstream.requests.at(-1)?.range, "bytes=100000-");
    });

    it("leaves nothing half under a final name when it is interrupted, and goes on from there", async () => {
      upstream.faults.set("aarch64.tar.gz", { kind: "stall", after: 100_000 });
      const controller = new AbortController();
      const fetching = fetch({ signal: controller.signal });
      await Promise.all([
        assert.rejects(fetching, /stopped by a test/),
        someArrived().then(() => controller.abort(new Error("stopped by a test"))),
      ]);
      assert.deepEqual(await cachedNames(), []);
      upstream.faults.clear();
      await fetch();
      assert.deepEqual(await cached(sha256(archive)), archive);
    });

    it("ends with 130 at Ctrl-C, and the same command goes on", async () => {
      await copyCommand();
      upstream.faults.set("aarch64.tar.gz", { kind: "stall", after: 100_000 });
      const first = command("fetch");
      await someArrived();
      first.child.kill("SIGINT");
      assert.deepEqual(await first.ended, 130);
      assert.deepEqual(await cachedNames(), []);
      upstream.faults.clear();
      const second = command("fetch");
      assert.equal(await second.ended, 0, second.output());
      assert.equal(upstream.requests.at(-1)?.range, "bytes=100000-");
      assert.equal(await command("verify").ended, 0);
      assert.equal(await command("nonsense").ended, 2);
    });

    it("takes the files of an archive out of it again without a network", async () => {
      await fetch();
      const kernel = system("new")["boot/vmlinuz-rpi"];
      assert.ok(kernel !== undefined);
      await rm(`${project}/.bramble/artifacts/${sha256(kernel)}`);
      upstream.stop();
      await fetch();
      assert.deepEqual(await cached(sha256(kernel)), kernel);
    });

    it("refuses a lock that was changed by hand", async () => {
      const kernel = sha256(system("new")["boot/vmlinuz-rpi"] ?? Buffer.alloc(0));
      await writeFile(`${project}/${lockPath}`, (await lockText()).replace(kernel, "0".repeat(64)));
      await assert.rejects(
        fetch(),
        new RegExp(`boot/vmlinuz-rpi in the archive has SHA-256 ${kernel}, and 0{64} is pinned`),
      );
    });

    it("refuses a name that is not pinned, and says how to begin", async () => {
      await assert.rejects(
        fetch({ names: ["pi-eeprom-2711"] }),
        /has no pi-eeprom-2711: run `npm run bramble -- artifacts update/,
      );
      await rm(`${project}/${lockPath}`);
      await assert.rejects(fetch(), /pins nothing yet\. Begin with: npm run bramble -- artifacts update/);
    });

    it("lets one command at a time at the cache", async () => {
      upstream.faults.set("aarch64.tar.gz", { kind: "stall", after: 100_000 });
      const controller = new AbortController();
      const fetching = assert.rejects(fetch({ signal: controller.signal }));
      await someArrived();
      await assert.rejects(fetch(), /bramble artifacts fetch has been at work here/);
      controller.abort();
      await fetching;
    });
  });

  describe("verify", () => {
    it("finds what is damaged or missing, and fetch mends it", async () => {
      await publishAlpine(upstream, "3.99.1", system("new"));
      await update({ names: ["alpine-rpi"] });
      assert.equal(await verifyArtifacts(project, say), true);
      const { "boot/vmlinuz-rpi": kernel, "start4.elf": firmware } = system("new");
      assert.ok(kernel !== undefined && firmware !== undefined);
      const damaged = Buffer.from(kernel.map((byte, index) => (index === 7 ? byte ^ 1 : byte)));
      await writeFile(`${project}/.bramble/artifacts/${sha256(kernel)}`, damaged);
      await rm(`${project}/.bramble/artifacts/${sha256(firmware)}`);
      said.splice(0);
      assert.equal(await verifyArtifacts(project, say), false);
      assert.deepEqual(said.slice(0, 2), [
        `damaged: alpine-rpi 3.99.1 boot/vmlinuz-rpi has SHA-256 ${sha256(damaged)}, and ${sha256(kernel)} is pinned; removed`,
        "missing: alpine-rpi 3.99.1 start4.elf",
      ]);
      await assert.rejects(cached(sha256(kernel)), /ENOENT/);
      await fetch();
      assert.equal(await verifyArtifacts(project, say), true);
    });
  });

  describe("add", () => {
    it("pins a single file", async () => {
      await writeFile(`${project}/vmlinuz`, "my kernel");
      await add("my-kernel", `${project}/vmlinuz`, "6.18.35-mine", "https://example.org/vmlinuz");
      assert.deepEqual((await lock()).artifacts["my-kernel"], {
        version: "6.18.35-mine",
        url: "https://example.org/vmlinuz",
        ...content("my kernel"),
      });
      assert.equal(await verifyArtifacts(project, say), true);
    });

    it("pins all files of an archive, and says which links it left out", async () => {
      await mkdir(`${project}/tree/boot`, { recursive: true });
      await writeFile(`${project}/tree/boot/vmlinuz`, "my kernel");
      await symlink("vmlinuz", `${project}/tree/boot/latest`);
      execFileSync("tar", ["-czf", `${project}/mine.tar.gz`, "-C", `${project}/tree`, "."]);
      await add("mine", `${project}/mine.tar.gz`);
      assert.deepEqual((await lock()).artifacts.mine?.files, { "boot/vmlinuz": content("my kernel") });
      assert.ok(said.includes("Left out, since links and devices are no files: boot/latest"));
    });

    it("takes an archive that was downloaded elsewhere as update would", async () => {
      const archive = await publishAlpine(upstream, "3.99.1", system("new"));
      await writeFile(`${project}/alpine-rpi-3.99.1-aarch64.tar.gz`, archive);
      await add("alpine-rpi", `${project}/alpine-rpi-3.99.1-aarch64.tar.gz`, "3.99.1");
      const { files } = (await lock()).artifacts["alpine-rpi"] ?? {};
      assert.ok(files !== undefined);
      await update();
      assert.deepEqual((await lock()).artifacts["alpine-rpi"]?.files, files);
      assert.match((await lock()).artifacts["alpine-rpi"]?.url ?? "", /^https:\/\/dl-cdn\.alpinelinux\.org\//);
    });

    it("tells another machine that a file without an address must be brought", async () => {
      await writeFile(`${project}/vmlinuz`, "my kernel");
      await add("my-kernel", `${project}/vmlinuz`);
      await removeCache();
      await assert.rejects(
        fetch(),
        /my-kernel 1: somebody brought this file.*artifacts add my-kernel FILE --version 1/s,
      );
    });

    for (const [what, member] of [
      ["a path that leads upwards", "../outside"],
      ["a path that begins at the root", "/etc/outside"],
    ] as const) {
      it(`refuses an archive with ${what}`, async () => {
        await writeFile(`${project}/outside`, "evil");
        execFileSync("tar", ["-czPf", `${project}/evil.tar.gz`, `--transform=s,.*,${member},`, `${project}/outside`]);
        await assert.rejects(add("evil", `${project}/evil.tar.gz`), /which leads out of it; nothing is taken from it/);
        await assert.rejects(lockText(), /ENOENT/);
      });
    }

    it("refuses an archive that is damaged, cut short or none", async () => {
      await writeFile(
        `${project}/file`,
        Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * index) % 251)),
      );
      execFileSync("tar", ["-czf", `${project}/good.tar.gz`, "-C", project, "file"]);
      const good = await readFile(`${project}/good.tar.gz`);
      const damaged = Buffer.from(good.map((byte, index) => (index === good.length >> 1 ? byte ^ 255 : byte)));
      for (const bytes of [damaged, good.subarray(0, -20), good.subarray(0, 100), Buffer.from("no archive")]) {
        await writeFile(`${project}/bad.tar.gz`, bytes);
        await assert.rejects(add("bad", `${project}/bad.tar.gz`), /bad 1 is no whole \.tar\.gz: /);
      }
      await assert.rejects(lockText(), /ENOENT/);
    });

    it("refuses a name, version or address that the lock cannot have, and a file that is not there", async () => {
      await writeFile(`${project}/vmlinuz`, "my kernel");
      await assert.rejects(add("My kernel", `${project}/vmlinuz`), /should be a name such as alpine-rpi/);
      await assert.rejects(add("mine", `${project}/vmlinuz`, "1 2"), /mine\.version: should be a version/);
      await assert.rejects(add("mine", `${project}/vmlinuz`, "1", "vmlinuz"), /mine\.url: should be an address/);
      await assert.rejects(add("mine", `${project}/nothing`), /nothing/);
      assert.deepEqual(await cachedNames(), []);
    });
  });

  describe("list", () => {
    it("says what is pinned and whether it is here, and the files of one", async () => {
      await publishAlpine(upstream, "3.99.1", system("new"));
      await update({ names: ["alpine-rpi"] });
      said.splice(0);
      await listArtifacts(project, say);
      assert.match(said[1] ?? "", /^alpine-rpi +3\.99\.1 +2026-11-05 +[\d.]+ [KM]B +yes +https:/);
      await removeCache();
      await listArtifacts(project, say);
      assert.match(said[3] ?? "", / no +https:/);
      await listFiles(project, "alpine-rpi", say);
      assert.ok(said.some((line) => /^boot\/vmlinuz-rpi +[\d.]+ KB +no +[0-9a-f]{64}$/.test(line)));
    });
  });

  describe("mirrors", () => {
    it("stand for the addresses of their maker, from the option or the environment", () => {
      const mirrors = addMirror("alpine=http://mirror.example/alpine/");
      assert.equal(
        throughMirror("https://dl-cdn.alpinelinux.org/alpine/v3.24/x", mirrors),
        "http://mirror.example/alpine/v3.24/x",
      );
      assert.equal(throughMirror("https://example.org/x", mirrors), "https://example.org/x");
      assert.deepEqual(mirrorsFrom({ BRAMBLE_GITHUB_RAW_MIRROR: "http://m" }), { "github-raw": "http://m" });
      assert.throws(() => addMirror("debian=http://m"), /NAME is one of alpine, github, github-api, github-raw/);
      assert.throws(() => mirrorsFrom({ BRAMBLE_ALPINE_MIRROR: "mirror.example" }), /is no address with http/);
    });
  });
});

const known = ["alpine-rpi", "pi-eeprom-2711", "pi-eeprom-2712", "pi-recovery-2711", "pi-recovery-2712"];
const unused = [
  ...["config.txt", "start.elf", "bcm2710-rpi-3-b.dtb", "overlays/README"],
  ...["apks/aarch64/APKINDEX.tar.gz", "apks/aarch64/libstdc++-15.2.0-r2.apk"],
];

/** What is in Alpine's archive, as far as it matters. */
function system(release: string): Record<string, Buffer> {
  const paths = [
    ...["start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb", "bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb"],
    ...["overlays/overlay_map.dtb", "overlays/disable-wifi.dtbo"],
    ...["boot/vmlinuz-rpi", "boot/initramfs-rpi", "boot/modloop-rpi"],
    ...unused,
  ];
  return Object.fromEntries(
    paths.map((path) => [path, noise(`${release} ${path}`, path.startsWith("boot/") ? 200_000 : 900)]),
  );
}

/** Bytes that gzip cannot shorten, the same for the same text. */
function noise(text: string, bytes: number): Buffer {
  let state = Number.parseInt(sha256(Buffer.from(text)).slice(0, 8), 16) | 1;
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      // xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 255;
    }),
  );
}

function content(text: string): { sha256: string; bytes: number } {
  return { sha256: sha256(Buffer.from(text)), bytes: Buffer.byteLength(text) };
}

function image(date: string, text: string): [string, Buffer] {
  return [`firmware-2711/default/pieeprom-${date}.bin`, Buffer.from(text)];
}

/** The newest state of Raspberry Pi's repository. */
function tree(): Map<string, Buffer> {
  return new Map([
    image("2026-05-17", "image of May"),
    ["firmware-2711/default/recovery.bin", Buffer.from("recovery")],
    ["firmware-2711/latest/pieeprom-2026-06-01.bin", Buffer.from("not recommended yet")],
    ["firmware-2711/old/default/pieeprom-2026-01-09.bin", Buffer.from("image of January")],
    ["firmware-2712/default/pieeprom-2026-05-18.bin", Buffer.from("image for Pi 5")],
    ["firmware-2712/default/recovery.bin", Buffer.from("recovery for Pi 5")],
  ]);
}

function history(): Commit[] {
  const recovery = tree().get("firmware-2711/default/recovery.bin") ?? Buffer.alloc(0);
  const first = new Map([
    image("2026-01-09", "image of January"),
    ["firmware-2711/default/recovery.bin", recovery] as const,
  ]);
  const second = new Map([...first, ["README.md", Buffer.from("about")] as const]);
  return [
    { sha: "1".repeat(40), date: "2026-01-10T09:00:00Z", tree: first },
    { sha: "2".repeat(40), date: "2026-02-01T09:00:00Z", tree: second },
    { sha: "3".repeat(40), date: "2026-06-02T09:00:00Z", tree: tree() },
  ];
}

async function publishAll(): Promise<void> {
  await publishAlpine(upstream, "3.99.1", system("new"));
  upstream.commits.push(...history());
}

async function lockText(): Promise<string> {
  return readFile(`${project}/${lockPath}`, "utf8");
}

async function lock() {
  return parseLock(await lockText());
}

async function cached(hash: string): Promise<Buffer> {
  return readFile(`${project}/.bramble/artifacts/${hash}`);
}

/** The names that only whole files have. */
async function cachedNames(): Promise<string[]> {
  const names = await readdir(`${project}/.bramble/artifacts`);
  return names.filter((name) => name !== "partial" && name !== "busy.lock");
}

async function removeCache(): Promise<void> {
  await rm(`${project}/.bramble/artifacts`, { recursive: true, force: true });
}

/** Waits until a stalled download has written all that it got. */
async function someArrived(): Promise<void> {
  const folder = `${project}/.bramble/artifacts/partial`;
  await until(
    "100 KB to arrive",
    async () => {
      const [name] = await readdir(folder).catch(() => []);
      return name !== undefined && (await readFile(`${folder}/${name}`)).length === 100_000;
    },
    { deadline: 20_000 },
  );
}

/** A fetch whose connection is broken off after 100 KB. */
async function fetchBreaksOff(): Promise<void> {
  upstream.faults.set("aarch64.tar.gz", { kind: "stall", after: 100_000 });
  await Promise.all([
    assert.rejects(fetch(), /broke the connection off/),
    someArrived().then(() => upstream.breakOff()),
  ]);
}

/** What the command needs of this project. */
async function copyCommand(): Promise<void> {
  for (const folder of ["tools", "formats", "stacks"]) {
    await cp(`${projectRoot}/${folder}`, `${project}/${folder}`, { recursive: true, force: false });
  }
  for (const file of ["package.json", "node-version.cjs"]) await cp(`${projectRoot}/${file}`, `${project}/${file}`);
  await symlink(`${projectRoot}/node_modules`, `${project}/node_modules`);
}

function command(...args: string[]) {
  const child = spawn(execPath, [`${project}/tools/bramble.js`, "artifacts", ...args], {
    env: { ...process.env, BRAMBLE_ALPINE_MIRROR: upstream.mirrors.alpine },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return { child, ended: once(child, "close").then(([code]: unknown[]) => code), output: () => output };
}
