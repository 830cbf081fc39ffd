import assert from "node:assert/strict";
import { type ArtifactLock, emptyLock, pin, printLock } from "../../formats/artifact-lock.ts";
import { k3sArtifact, lockedK3s, parseK3sArtifact } from "../../formats/k3s-bundle.ts";

const a = "a".repeat(64);
const name = "k3s-v1.35.0+k3s3-x86_64";
const released = {
  version: "v1.35.0+k3s3",
  url: "https://example.org/v1.35.0%2Bk3s3",
  sha256: a,
  bytes: 7,
  parts: { k3s: { sha256: a, bytes: 3 } },
};
const { url: _, parts: __, ...built } = { ...released, inputs: a };
const locked = (entry: ArtifactLock["artifacts"][string]) => pin(emptyLock, name, entry);

describe("a k3s in the lock", () => {
  it("is named after version and architecture", () => {
    assert.equal(k3sArtifact("v1.35.0+k3s3", "x86_64"), name);
    assert.deepEqual(parseK3sArtifact(name), { version: "v1.35.0+k3s3", arch: "x86_64" });
    for (const other of ["k3s-v1.35.0-x86_64", "k3s-v1.35.0+k3s3-amd64", "k3s-latest-x86_64", "alpine-rpi"]) {
      assert.equal(parseK3sArtifact(other), undefined);
    }
  });

  it("lacks nothing when it is packed from a release", () => {
    const found = lockedK3s(locked(released), "v1.35.0+k3s3", "x86_64");
    assert.deepEqual(found, { name, version: "v1.35.0+k3s3", sha256: a, bytes: 7, lacks: [] });
  });

  it("lacks what there are no images for when it was built here", () => {
    const { lacks } = lockedK3s(locked({ ...built, inputs: a }), "v1.35.0+k3s3", "x86_64");
    assert.deepEqual(lacks, ["local-storage", "metrics-server", "runtimes", "servicelb", "traefik"]);
  });

  it("that is not pinned is an error with the command that pins it", () => {
    assert.throws(
      () => lockedK3s(locked(released), "v1.35.0+k3s3", "aarch64"),
      /has no k3s-v1\.35\.0\+k3s3-aarch64: run `npm run bramble -- artifacts update k3s-v1\.35\.0\+k3s3-aarch64`/,
    );
  });

  it("is printed with its parts, or with what it was built from", () => {
    assert.match(printLock(locked(released)), /"bytes": 7,\n {6}"parts": {\n {8}"k3s": { "sha256": "a+", "bytes": 3 }/);
    assert.match(printLock(locked({ ...built, inputs: a })), /"bytes": 7,\n {6}"inputs": "a+"\n {4}}/);
  });

  it("is either packed from parts or built", () => {
    const both = { ...released, inputs: a };
    assert.throws(() => locked(both), /inputs/);
  });
});
