import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { isReleased, lockedFile, lockPath } from "../../formats/artifact-lock.ts";
import { cachedPath, cacheOf } from "../../tools/artifacts/cache.ts";
import { fetchArtifacts } from "../../tools/artifacts/fetch.ts";
import { readCommitted, readLock } from "../../tools/artifacts/lock-file.ts";
import { updateArtifacts } from "../../tools/artifacts/update.ts";
import { ensureK3s } from "../../tools/k3s/ensure.ts";
import { gitBlob, sha256, startUpstream, type UpstreamServer } from "../doubles/upstream.ts";
import { makeFolder, removeFolder } from "./setup-project.ts";

const never = new AbortController().signal;
const version = "v1.35.0+k3s3";
const name = `k3s-${version}-aarch64`;
const folder = "/github/k3s-io/k3s/releases/download/v1.35.0%2Bk3s3";
const program = Buffer.from("a program");
const images = Buffer.alloc(300_000, "images");

describe("a k3s from its release", function () {
  this.timeout(60_000);
  let project: string;
  let upstream: UpstreamServer;
  let said: string[];
  const say = (line: string) => {
    said.push(line);
  };
  const common = () => ({ project, mirrors: upstream.mirrors, signal: never, quiet: true, say });
  const update = (names: string[], extra: { version?: string } = {}) =>
    updateArtifacts({ ...common(), names, wanted: () => [], ...extra });
  const publish = (sums = `${sha256(program)}  k3s-arm64\n${sha256(images)}  k3s-airgap-images-arm64.tar.zst\n`) => {
    upstream.files.set(`${folder}/k3s-arm64`, program);
    upstream.files.set(`${folder}/k3s-airgap-images-arm64.tar.zst`, images);
    // The release lists files whose names begin alike.
    upstream.files.set(`${folder}/sha256sum-arm64.txt`, Buffer.from(`${sha256(images)}  k3s-arm64.old\n${sums}`));
  };

  beforeEach(async () => {
    project = await makeFolder();
    upstream = await startUpstream();
    said = [];
    publish();
  });
  afterEach(async () => {
    upstream.stop();
    await removeFolder(project);
  });

  it("is packed into a tar with all that a guest needs, and pinned with the hashes of its parts", async () => {
    await update([name]);
    const lock = await readCommitted(project);
    const entry = lock.artifacts[name];
    assert.ok(entry !== undefined && isReleased(entry));
    assert.equal(entry.url, "https://github.com/k3s-io/k3s/releases/download/v1.35.0%2Bk3s3");
    assert.deepEqual(entry.parts, {
      "k3s-arm64": { sha256: sha256(program), bytes: program.length },
      "k3s-airgap-images-arm64.tar.zst": { sha256: sha256(images), bytes: images.length },
    });
    const bundle = cachedPath(cacheOf(project), entry);
    assert.equal(sha256(await readFile(bundle)), entry.sha256);
    const listed = execFileSync("tar", ["-tvf", bundle], { encoding: "utf8" });
    const lines = listed.trim().split("\n");
    assert.deepEqual(
      lines.map((line) => `${line.slice(0, 10)} ${line.replace(/^.*1970-01-01 \S+ /, "")}`),
      [
        "-rwxr-xr-x bin/k3s",
        "-rw-r--r-- images/k3s-airgap-images-arm64.tar.zst",
        "lrwxrwxrwx bin/kubectl -> k3s",
        "lrwxrwxrwx bin/crictl -> k3s",
        "lrwxrwxrwx bin/ctr -> k3s",
      ],
    );
    await assert.rejects(access(cachedPath(cacheOf(project), { sha256: sha256(images) })), /ENOENT/);
  });

  it("is fetched from the lock as the same bytes on another machine", async () => {
    await update([name]);
    const { sha256: pinned } = lockedFile(await readLock(project), name);
    await rm(cachedPath(cacheOf(project), { sha256: pinned }));
    await fetchArtifacts({ ...common(), names: [name] });
    assert.equal(sha256(await readFile(cachedPath(cacheOf(project), { sha256: pinned }))), pinned);
  });

  it("asks nobody for what is pinned and there, and downloads nothing twice", async () => {
    await update([name]);
    const asked = upstream.requests.length;
    await ensureK3s({ ...common(), version, arch: "aarch64" });
    assert.equal(upstream.requests.length, asked);
    await update([name]);
    assert.deepEqual(
      upstream.requests.slice(asked).map(({ path }) => path),
      [`${folder}/sha256sum-arm64.txt`],
    );
  });

  it("that nobody pinned is pinned on this machine alone when a lab wants it", async () => {
    const { lacks } = await ensureK3s({ ...common(), version, arch: "aarch64" });
    assert.deepEqual(lacks, []);
    await assert.rejects(access(`${project}/${lockPath}`), /ENOENT/);
    assert.ok(Object.hasOwn((await readLock(project)).artifacts, name));
    assert.deepEqual((await readCommitted(project)).artifacts, {});
  });

  it("is refused when a part is not what its list of hashes says", async () => {
    upstream.faults.set("k3s-arm64", { kind: "other", bytes: Buffer.from("another program") });
    await assert.rejects(update([name]), new RegExp(`k3s-arm64.*${sha256(program)}`));
    assert.deepEqual((await readLock(project)).artifacts, {});
  });

  it("goes on where a download was cut", async () => {
    upstream.faults.set(".tar.zst", { kind: "stall", after: 100_000 });
    const cut = update([name]);
    while (!upstream.requests.some(({ path }) => path.endsWith(".tar.zst"))) await new Promise(setImmediate);
    const cutter = setInterval(() => upstream.breakOff(), 100);
    await assert.rejects(cut, /broke the connection off|other side closed|terminated/);
    clearInterval(cutter);
    upstream.faults.clear();
    await update([name]);
    const last = upstream.requests.filter(({ path }) => path.endsWith(".tar.zst")).at(-1);
    assert.match(last?.range ?? "", /^bytes=\d+-$/);
    assert.ok(Object.hasOwn((await readLock(project)).artifacts, name));
  });

  it("that its makers changed after it was pinned is refused with both hashes", async () => {
    await update([name]);
    const other = Buffer.from("another program");
    publish(`${sha256(other)}  k3s-arm64\n${sha256(images)}  k3s-airgap-images-arm64.tar.zst\n`);
    upstream.files.set(`${folder}/k3s-arm64`, other);
    await assert.rejects(
      update([name]),
      new RegExp(`has changed: SHA-256 ${sha256(other)}, pinned ${sha256(program)}`),
    );
  });

  it("that does not exist, or lacks a file, is an error that says so", async () => {
    await assert.rejects(update(["k3s-v1.99.0+k3s1-aarch64"]), /k3s-io\/k3s has published no v1\.99\.0\+k3s1/);
    publish(`${sha256(program)}  k3s-arm64\n`);
    await assert.rejects(update([name]), /does not list k3s-airgap-images-arm64\.tar\.zst/);
  });

  it("that can be neither downloaded nor built says what can be had", async () => {
    upstream.faults.set("sha256sum-arm64.txt", { kind: "status", status: 403 });
    const other = process.arch === "arm64" ? "x86_64" : "aarch64";
    upstream.faults.set("sha256sum-amd64.txt", { kind: "status", status: 403 });
    await assert.rejects(
      update([`k3s-v1.99.0+k3s1-${other}`]),
      /can't be downloaded: .* answers 403 .*Without a download, only k3s-v1\.35\.0\+k3s3-\w+ can be had on this machine/s,
    );
  });

  it("has its version in its name alone", async () => {
    await assert.rejects(update([name], { version: "v1.35.1+k3s1" }), /artifacts update k3s-v1\.35\.1\+k3s1-aarch64/);
  });
});

describe("the manifests of the NFS driver", function () {
  this.timeout(60_000);

  it("are pinned one by one and joined in the order in which they are applied", async () => {
    const project = await makeFolder();
    const upstream = await startUpstream();
    const common = { project, mirrors: upstream.mirrors, signal: never, quiet: true, say: () => {} };
    try {
      const order = ["rbac-csi-nfs.yaml", "csi-nfs-driverinfo.yaml", "csi-nfs-controller.yaml", "csi-nfs-node.yaml"];
      const files = new Map([...order, "crd.yaml"].map((file) => [file, Buffer.from(`kind: ${file}\n\n`)]));
      const api = "/api/repos/kubernetes-csi/csi-driver-nfs";
      const listed = [...files].map(([file, bytes]) => {
        return { name: file, type: "file", size: bytes.length, sha: gitBlob(bytes) };
      });
      upstream.files.set(`${api}/releases/latest`, Buffer.from(JSON.stringify({ tag_name: "v4.9.0" })));
      upstream.files.set(`${api}/contents/deploy/v4.9.0?ref=v4.9.0`, Buffer.from(JSON.stringify(listed)));
      for (const [file, bytes] of files)
        upstream.files.set(`/raw/kubernetes-csi/csi-driver-nfs/v4.9.0/deploy/v4.9.0/${file}`, bytes);
      await updateArtifacts({ ...common, names: ["csi-driver-nfs"], wanted: () => [] });
      const pinned = lockedFile(await readCommitted(project), "csi-driver-nfs");
      const path = cachedPath(cacheOf(project), pinned);
      assert.equal(await readFile(path, "utf8"), order.map((file) => `---\nkind: ${file}\n`).join(""));
      await rm(`${project}/.bramble/artifacts`, { recursive: true });
      await mkdir(`${project}/.bramble/artifacts`);
      await fetchArtifacts({ ...common, names: ["csi-driver-nfs"] });
      assert.equal(sha256(await readFile(path)), pinned.sha256);
    } finally {
      upstream.stop();
      await removeFolder(project);
    }
  });
});
