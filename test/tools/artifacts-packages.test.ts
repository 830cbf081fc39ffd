import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { WantedWord } from "../../formats/apk-closure.ts";
import {
  type ArtifactSet,
  emptyLock,
  isSet,
  lockPath,
  parseLock,
  pin,
  printLock,
} from "../../formats/artifact-lock.ts";
import { addArtifact } from "../../tools/artifacts/add.ts";
import { fetchArtifacts } from "../../tools/artifacts/fetch.ts";
import { listArtifacts, listFiles } from "../../tools/artifacts/list.ts";
import { trustedKeys } from "../../tools/artifacts/trusted-keys.ts";
import { updateArtifacts } from "../../tools/artifacts/update.ts";
import { verifyArtifacts } from "../../tools/artifacts/verify.ts";
import { alsoWanted, wantedWorlds } from "../../tools/artifacts/wanted.ts";
import { until } from "../../tools/lib/until.ts";
import { makeAlpineRoot } from "../doubles/alpine-root.ts";
import { type StubPackage, signedIndex, testKey } from "../doubles/apk-repository.ts";
import { publishPackages, sha256, startUpstream, type UpstreamServer } from "../doubles/upstream.ts";
import { makeFolder, removeFolder } from "./setup-project.ts";

const name = "alpine-packages-aarch64";
const never = new AbortController().signal;
let project: string;
let upstream: UpstreamServer;
let said: string[];
let key: string;
const say = (line: string) => {
  said.push(line);
};

interface Options {
  readonly names?: readonly string[];
  readonly version?: string;
  readonly check?: boolean;
  readonly wanted?: readonly WantedWord[];
  readonly worlds?: readonly (readonly WantedWord[])[];
  readonly keys?: readonly string[];
}

const words = (...all: string[]): WantedWord[] => all.map((word) => ({ word, where: "boards.pi1.image" }));
const update = ({ wanted = words("chrony"), worlds = [wanted], ...options }: Options = {}) =>
  updateArtifacts({
    ...{ project, names: [name], mirrors: upstream.mirrors, signal: never, quiet: true, say, keys: [key] },
    ...options,
    wanted: () => worlds,
  });
const fetch = (packages?: string) =>
  fetchArtifacts({ project, names: [], mirrors: upstream.mirrors, packages, signal: never, quiet: true, say });

describe("bramble artifacts, for packages", function () {
  this.timeout(60_000);

  beforeEach(async () => {
    project = await makeFolder();
    upstream = await startUpstream();
    said = [];
    key = `${project}/${testKey().file}`;
    await writeFile(key, testKey().publicPem);
    await writeLock(printLock(pin(emptyLock, "alpine-rpi", { version: "3.99.1", sha256: "a".repeat(64), bytes: 1 })));
    await publishPackages(upstream, "v3.99", branch);
  });

  afterEach(async () => {
    upstream.stop();
    await removeFolder(project);
  });

  describe("update", () => {
    it("pins what is wanted of the system's branch, with what that needs and the signed indexes, and no more", async () => {
      await update();
      const set = await pinned();
      assert.equal(set.version, "v3.99");
      assert.equal(set.url, "https://dl-cdn.alpinelinux.org/alpine/v3.99");
      assert.deepEqual(set.world, ["alpine-base", "chrony", "openssl"]);
      assert.deepEqual(Object.keys(set.files), [
        "community/aarch64/APKINDEX.tar.gz",
        "main/aarch64/APKINDEX.tar.gz",
        "main/aarch64/alpine-base-3.99.1-r0.apk",
        "main/aarch64/chrony-4.8-r1.apk",
        "main/aarch64/chrony-openrc-4.8-r1.apk",
        "main/aarch64/openrc-0.63-r0.apk",
        "main/aarch64/openssl-3.6-r0.apk",
      ]);
      for (const [path, file] of Object.entries(set.files)) {
        const bytes = published(path);
        assert.deepEqual(file, { sha256: sha256(bytes), bytes: bytes.length }, path);
        assert.deepEqual(await readFile(`${project}/.bramble/artifacts/${file.sha256}`), bytes, path);
      }
      const asked = upstream.requests.map(({ path }) => path.replace("/alpine/v3.99/", ""));
      assert.deepEqual(asked.sort(), Object.keys(set.files));
      assert.match(said.join("\n"), /alpine-packages-aarch64 +- +v3\.99, 5 packages/);
    });

    it("takes the branch that is given, for the other architecture", async () => {
      await publishPackages(upstream, "v3.98", branch, { arch: "x86_64" });
      await update({ names: ["alpine-packages-x86_64"], version: "v3.98" });
      const set = await pinned("alpine-packages-x86_64");
      assert.equal(set.version, "v3.98");
      assert.ok(Object.hasOwn(set.files, "main/x86_64/chrony-4.8-r1.apk"));
      await assert.rejects(
        update({ version: "v3.97" }),
        /Alpine has no packages of v3\.97 for aarch64: there is no http/,
      );
      await assert.rejects(
        update({ version: "3.98.1" }),
        /have a branch of Alpine as their version, such as v3\.98|v3\.24/,
      );
      await writeLock(printLock(emptyLock));
      await assert.rejects(update(), /the packages' branch follows from alpine-rpi, which is not pinned/);
    });

    it("writes the same text again, and reads only the indexes, when nothing is newer", async () => {
      await update();
      const before = await lockText();
      upstream.requests.splice(0);
      assert.equal(await update({ check: true }), true);
      await update();
      assert.equal(await lockText(), before);
      assert.deepEqual(
        upstream.requests.filter(({ path }) => path.endsWith(".apk")),
        [],
      );
    });

    it("only says with --check that packages are newer, or that others are wanted", async () => {
      await update();
      const before = await lockText();
      assert.equal(await update({ check: true, wanted: words("chrony", "libvirt") }), false);
      await publishPackages(upstream, "v3.99", newer);
      assert.equal(await update({ check: true }), false);
      assert.equal(await lockText(), before);
      await update();
      assert.ok(Object.hasOwn((await pinned()).files, "main/aarch64/chrony-4.8-r2.apk"));
      assert.ok(!Object.hasOwn((await pinned()).files, "main/aarch64/chrony-4.8-r1.apk"));
    });

    it("refuses packages that there are none of, with who asks for them and what is probably meant", async () => {
      const wanted = [...words("libvrit"), { word: "chronny", where: "roles.nfs-server" }, ...words("chrony")];
      await assert.rejects(update({ wanted }), ({ message }: Error) => {
        assert.match(message, /^alpine-packages-aarch64: Alpine v3\.99 cannot give what is wanted:$/m);
        assert.match(
          message,
          /no package libvrit \(needed by libvrit \(boards\.pi1\.image\)\); the nearest name is libvirt$/m,
        );
        assert.match(
          message,
          /no package chronny \(needed by chronny \(roles\.nfs-server\)\); the nearest name is chrony$/m,
        );
        return true;
      });
      await nothingIsPinned();
    });

    it("finds what each kind of machine needs by itself: what one excludes another one may have", async () => {
      await update({ worlds: [words("chrony"), words("libvirt", "!chrony")] });
      const { world, files } = await pinned();
      assert.deepEqual(world, ["!chrony", "alpine-base", "chrony", "libvirt", "openssl"]);
      const names = Object.keys(files).join();
      assert.ok(/\/chrony-4/.test(names) && /\/libvirt-/.test(names), names);
    });

    it("refuses an index that is signed with a key that is not trusted, or is not what was signed", async () => {
      await assert.rejects(
        update({ keys: [] }),
        /APKINDEX\.tar\.gz is signed with the key bramble-test\.rsa\.pub, which is not trusted; trusted: alpine-devel@/,
      );
      const path = "/alpine/v3.99/main/aarch64/APKINDEX.tar.gz";
      const changed = Buffer.from(published("main/aarch64/APKINDEX.tar.gz"));
      changed.writeUInt8(changed.readUInt8(changed.length - 30) ^ 1, changed.length - 30);
      upstream.files.set(path, changed);
      await assert.rejects(
        update(),
        /main\/aarch64\/APKINDEX\.tar\.gz is not what was signed with the key bramble-test/,
      );
      upstream.files.set(path, Buffer.from("<html>Please log in</html>"));
      await assert.rejects(update(), /APKINDEX\.tar\.gz is no gzip file/);
      upstream.files.set(path, await signedIndex("P:../../x\n"));
      await assert.rejects(update(), /APKINDEX\.tar\.gz has at line 1 a package without a proper P \(name\)/);
      await nothingIsPinned();
    });

    it("refuses a package that is not what the index says", async () => {
      const path = "main/aarch64/chrony-4.8-r1.apk";
      const right = published(path);
      const changed = Buffer.from(right);
      changed.writeUInt8(changed.readUInt8(changed.length - 30) ^ 1, changed.length - 30);
      for (const wrong of [changed, right.subarray(0, -1), published("main/aarch64/openrc-0.63-r0.apk")]) {
        upstream.files.set(`/alpine/v3.99/${path}`, wrong);
        await assert.rejects(update(), /chrony-4\.8-r1\.apk (has|is) .*\. Nothing is pinned$/m);
      }
      await nothingIsPinned();
      upstream.files.set(`/alpine/v3.99/${path}`, right);
      await update();
    });

    it("refuses other content under the name of a pinned package, though its index is signed", async () => {
      await update();
      const before = await lockText();
      await publishPackages(upstream, "v3.99", swapped);
      await assert.rejects(update(), /chrony-4\.8-r1\.apk: what is published under this name has changed: it /);
      await rm(`${project}/.bramble`, { recursive: true });
      await assert.rejects(
        update(),
        /chrony-4\.8-r1\.apk: what is published under this name has changed: SHA-256 [0-9a-f]{64}, pinned [0-9a-f]{64}/,
      );
      assert.equal(await lockText(), before);
      // Another branch is built anew.
      await publishPackages(upstream, "v3.98", swapped);
      await update({ version: "v3.98" });
    });

    it("says that the disk is full, pins nothing, and goes on once there is room", async () => {
      const folder = `${project}/.bramble/artifacts`;
      await mkdir(folder, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]);
      try {
        await assert.rejects(
          update({ wanted: words("big") }),
          /^Error: alpine-packages-aarch64: the disk with \.bramble\/artifacts is full\. Nothing/,
        );
        await nothingIsPinned();
        execFileSync("mount", ["-o", "remount,size=4m", folder]);
        await update({ wanted: words("big") });
        assert.ok(Object.hasOwn((await pinned()).files, "community/aarch64/big-1-r0.apk"));
      } finally {
        execFileSync("umount", [folder]);
      }
    });

    it("is not asked for without a name as long as nobody wants packages", async () => {
      await writeLock(printLock(emptyLock));
      await assert.rejects(update({ names: [], worlds: [] }), ({ message }: Error) => !message.includes(name));
      await assert.rejects(update({ names: [] }), new RegExp(`^Error: [^]*^${name}: the packages' branch`, "m"));
    });
  });

  describe("fetch", () => {
    it("downloads what the lock names, and the second time asks nobody", async () => {
      await update();
      await rm(`${project}/.bramble`, { recursive: true });
      await onlyPackages();
      await fetch();
      assert.match(
        said.at(-1) ?? "",
        /alpine-packages-aarch64 v3\.99: .*, checked against stacks\/artifacts\.lock\.json/,
      );
      upstream.requests.splice(0);
      await fetch();
      assert.deepEqual(upstream.requests, []);
      assert.equal(await verifyArtifacts(project, say), true);
    });

    it("goes on where a package's download broke off", async () => {
      await update({ wanted: words("big") });
      await rm(`${project}/.bramble`, { recursive: true });
      await onlyPackages();
      upstream.faults.set("big-1-r0.apk", { kind: "stall", after: 100_000 });
      const partials = `${project}/.bramble/artifacts/partial`;
      await Promise.all([
        assert.rejects(fetch(), /broke the connection off/),
        until(
          "100 KB to arrive",
          async () => {
            const files = await Promise.all(
              (await readdir(partials).catch(() => [])).map((each) => readFile(`${partials}/${each}`)),
            );
            return files.some(({ length }) => length === 100_000);
          },
          { deadline: 20_000 },
        ).then(() => upstream.breakOff()),
      ]);
      upstream.faults.clear();
      await fetch();
      assert.deepEqual(upstream.requests.at(-1), {
        path: "/alpine/v3.99/community/aarch64/big-1-r0.apk",
        range: "bytes=100000-",
      });
    });

    it("says what to do where Alpine has only newer packages, and has the pinned ones from a boot server", async () => {
      await update();
      const files = Object.keys((await pinned()).files);
      for (const path of files) upstream.files.set(`/packages/0123456789abcdef/${path}`, published(path));
      await rm(`${project}/.bramble`, { recursive: true });
      await onlyPackages();
      await publishPackages(upstream, "v3.99", newer);
      await assert.rejects(fetch(), ({ message }: Error) => {
        assert.match(message, /^alpine-packages-aarch64 v3\.99: .*(answers 404 for|is damaged or not what)/);
        assert.match(message, /Alpine keeps only the newest packages of a branch\. Either/);
        assert.match(
          message,
          /pin those that it has now: npm run bramble -- artifacts update alpine-packages-aarch64, or/,
        );
        assert.match(message, /--packages http:\/\/SERVER:8080\/packages\/GENERATION,/);
        return true;
      });
      await fetch(`${upstream.origin}/packages/0123456789abcdef`);
      assert.equal(await verifyArtifacts(project, say), true);
    });
  });

  it("verify finds a damaged package, and fetch mends it", async () => {
    await update();
    await onlyPackages();
    const { sha256: hash } = (await pinned()).files["main/aarch64/chrony-4.8-r1.apk"] ?? { sha256: "" };
    await writeFile(`${project}/.bramble/artifacts/${hash}`, "damaged");
    assert.equal(await verifyArtifacts(project, say), false);
    assert.match(
      said.join("\n"),
      /damaged: alpine-packages-aarch64 v3\.99 main\/aarch64\/chrony-4\.8-r1\.apk has SHA-256/,
    );
    await fetch();
    assert.equal(await verifyArtifacts(project, say), true);
  });

  it("list shows each package with its version, and whether it is here", async () => {
    await update();
    said = [];
    await listArtifacts(project, say);
    assert.match(said.join("\n"), /^alpine-packages-aarch64 +v3\.99 +- +\d+ KB +yes +https:\/\/dl-cdn/m);
    said = [];
    await listFiles(project, name, say);
    assert.equal(said[0], "alpine-packages-aarch64 v3.99: 5 packages, for alpine-base chrony openssl");
    assert.match(said.join("\n"), /^chrony-openrc +4\.8-r1 +main +\d+ \w+ +yes/m);
  });

  it("add refuses to pin a file in place of packages", async () => {
    await assert.rejects(
      addArtifact({ project, name, file: key, version: "1", signal: never, say }),
      /alpine-packages-aarch64 is a set of packages, and no file: it is pinned by/,
    );
  });

  it("what is wanted is what boards of the project's sites have, each with its line, and the words that are given", async () => {
    const board = 'model: pi5, memory: 8GiB, role: worker, serial: "100000009ffefd01", mac: "2c:cf:67:00:00:01"';
    const site = `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boot: { server: tower }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }
  pi1: { ${board}, address: 10.20.0.11, image: { packages: [tmux] } }
`;
    await writeFile(`${project}/stacks/home.yaml`, site);
    const wanted = alsoWanted(await wantedWorlds(project), ["libvirt>=12"]);
    const asked = wanted("aarch64")
      .flat()
      .map(({ word, where }) => `${word} ${where}`);
    for (const each of ["alpine-base diskless Alpine", "openssh base", "libvirt>=12 --package"])
      assert.ok(asked.includes(each), asked.join("\n"));
    assert.match(asked.join("\n"), /^tmux .*stacks\/home\.yaml:5$/m);
    assert.deepEqual(wanted("x86_64"), [[{ word: "libvirt>=12", where: "--package" }]]);

    await writeFile(`${project}/stacks/home.yaml`, site.replace("pi5", "pi6"));
    await assert.rejects(wantedWorlds(project), /What boards are to have is not known yet:\n.*home\.yaml:5:\d+ /);
    await rm(`${project}/stacks/home.yaml`);
  });

  it("trusts Alpine's keys of the architecture, and refuses a file that is no key", async () => {
    assert.equal((await trustedKeys("aarch64", [])).size, 2);
    assert.equal((await trustedKeys("x86_64", [key])).size, 4);
    await writeFile(key, "no key");
    await assert.rejects(trustedKeys("aarch64", [key]), /bramble-test\.rsa\.pub is no public RSA key in PEM/);
    await writeFile(`${project}/key.pem`, testKey().publicPem);
    await assert.rejects(
      trustedKeys("aarch64", [`${project}/key.pem`]),
      /a key's file is called as in \/etc\/apk\/keys/,
    );
  });

  it("what is pinned is all that the real apk needs to install it, without a network", async () => {
    await publishPackages(upstream, "v3.99", branch, { arch: "x86_64" });
    await update({ names: ["alpine-packages-x86_64"], wanted: words("libvirt", "chrony>=4") });
    const set = await pinned("alpine-packages-x86_64");
    const root = await makeAlpineRoot("x86_64");
    try {
      for (const [path, { sha256: hash }] of Object.entries(set.files)) {
        await mkdir(dirname(`${root.path}/srv/${path}`), { recursive: true });
        await cp(`${project}/.bramble/artifacts/${hash}`, `${root.path}/srv/${path}`);
      }
      await writeFile(`${root.path}/etc/apk/keys/${testKey().file}`, testKey().publicPem);
      await writeFile(`${root.path}/etc/apk/repositories`, "/srv/main\n/srv/community\n");
      await mkdir(`${root.path}/target`);
      const { stdout } = await root.run([
        "apk",
        ...["add", "--initdb", "--root", "/target", "--arch", "x86_64", "--keys-dir", "/etc/apk/keys"],
        ...["--repositories-file", "/etc/apk/repositories", "--no-network", ...set.world],
      ]);
      assert.equal([...stdout.matchAll(/ Installing /g)].length, Object.keys(set.files).length - 2);
      assert.equal(await readFile(`${root.path}/target/etc/chrony.conf`, "utf8"), "pool 4.8-r1\n");
    } finally {
      await root.remove();
    }
  });
});

function chrony(version: string, text = `pool ${version}\n`): readonly StubPackage[] {
  return [
    { name: "chrony", version, files: { "/etc/chrony.conf": { text } } },
    { name: "chrony-openrc", version, installIf: ["openrc", `chrony=${version}`] },
    { name: "chrony-doc", version, installIf: ["docs", `chrony=${version}`] },
  ];
}

const base: readonly StubPackage[] = [
  { name: "alpine-base", version: "3.99.1-r0", depends: ["openrc"] },
  { name: "openrc", version: "0.63-r0" },
  { name: "openssl", version: "3.6-r0" },
];
const community: readonly StubPackage[] = [
  { name: "libvirt", version: "12.3.0-r0", depends: ["so:libvirt.so.0"] },
  { name: "libvirt-libs", version: "12.3.0-r0", provides: ["so:libvirt.so.0=0.12003.0"] },
  { name: "big", files: { "/usr/lib/big": { text: noise(300_000) } } },
];
const branch = { main: [...base, ...chrony("4.8-r1")], community };
const newer = { main: [...base, ...chrony("4.8-r2")], community };
const swapped = { main: [...base, ...chrony("4.8-r1", "pool attacker\n")], community };

/** Bytes that gzip cannot shorten. */
function noise(bytes: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

function published(path: string): Buffer {
  const bytes = upstream.files.get(`/alpine/v3.99/${path}`);
  assert.ok(bytes !== undefined, path);
  return bytes;
}

async function lockText(): Promise<string> {
  return readFile(`${project}/${lockPath}`, "utf8");
}

async function writeLock(text: string): Promise<void> {
  await mkdir(dirname(`${project}/${lockPath}`), { recursive: true });
  await writeFile(`${project}/${lockPath}`, text);
}

async function pinned(of = name): Promise<ArtifactSet> {
  const set = parseLock(await lockText()).artifacts[of];
  assert.ok(set !== undefined && isSet(set));
  return set;
}

async function nothingIsPinned(): Promise<void> {
  assert.deepEqual(Object.keys(parseLock(await lockText()).artifacts), ["alpine-rpi"]);
}

/** Takes the system out of the lock, which is made up here. */
async function onlyPackages(): Promise<void> {
  await writeLock(printLock(pin(emptyLock, name, await pinned())));
}
