import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContainerImage, dockerArchive } from "../../formats/docker-archive.ts";

const image: ContainerImage = {
  tag: "docker.io/rancher/mirrored-pause:3.6",
  arch: "amd64",
  entrypoint: ["/pause"],
  environment: ["PATH=/bin"],
  root: [
    { kind: "folder", path: "tmp", mode: 0o1777 },
    { kind: "file", path: "pause", mode: 0o755, bytes: Buffer.from("program") },
    { kind: "link", path: "init", target: "pause" },
  ],
};

describe("docker-archive", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bramble-archive-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Unpacked by tar, which is not what wrote it. */
  const unpack = (archive: string, into: string) => execFileSync("tar", ["-xf", archive, "-C", into]);
  const json = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), "utf8"));

  it("holds manifest, configuration and layer, each named after what is in it", async () => {
    writeFileSync(join(folder, "image.tar"), await dockerArchive(image));
    unpack(join(folder, "image.tar"), folder);
    const [entry] = json("manifest.json") as [{ Config: string; RepoTags: string[]; Layers: [string] }];
    assert.deepEqual(entry.RepoTags, ["docker.io/rancher/mirrored-pause:3.6"]);
    const layer = readFileSync(join(folder, entry.Layers[0]));
    const digest = createHash("sha256").update(layer).digest("hex");
    assert.equal(entry.Layers[0], `${digest}/layer.tar`);
    assert.deepEqual(json(entry.Config), {
      architecture: "amd64",
      os: "linux",
      config: { Entrypoint: ["/pause"], Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    });
    unpack(join(folder, entry.Layers[0]), folder);
    assert.equal(readFileSync(join(folder, "init"), "utf8"), "program");
    assert.equal(statSync(join(folder, "pause")).mode & 0o7777, 0o755);
    assert.equal(statSync(join(folder, "tmp")).mode & 0o7777, 0o1777);
  });

  it("has the same bytes each time", async () => {
    assert.deepEqual(await dockerArchive(image), await dockerArchive(image));
  });

  it("refuses a short tag, which containerd would not find", async () => {
    for (const tag of ["pause:3.6", "docker.io/rancher/pause", "docker.io/Pause:3.6"]) {
      await assert.rejects(dockerArchive({ ...image, tag }), /is no full name of an image: write it as/);
    }
  });

  it("refuses paths that lead out of the root", async () => {
    for (const path of ["/pause", "../pause", "bin/./pause", ""]) {
      const root = [{ kind: "link", path, target: "x" } as const];
      await assert.rejects(dockerArchive({ ...image, root }), /is no path below the root of an image/);
    }
  });
});
