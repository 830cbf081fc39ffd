import assert from "node:assert/strict";
import { unpinnedK3s } from "../../components/k3s-plan.ts";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { readSite } from "../../site/read.ts";
import { webWith } from "../site/k3s-samples.ts";
import { shelf, siteOf } from "../site/shelf.ts";

/** A lock with these versions of k3s. */
function locked(...names: readonly string[]): ArtifactLock {
  const bundle = { version: "v1.35.0+k3s3", sha256: "a".repeat(64), bytes: 1, inputs: "b".repeat(64) };
  return { ...emptyLock, artifacts: Object.fromEntries(names.map((name) => [name, bundle])) };
}

describe("the versions of k3s clusters", () => {
  it("are refused where they stand as long as they are not pinned, with the command that pins them", () => {
    const result = readSite({ file: "home.yaml", text: webWith() });
    assert.ok(result.ok);
    const problems = result.locate(unpinnedK3s(result.site, emptyLock));
    assert.deepEqual(
      problems.map(({ rule, line, column }) => [rule, line, column]),
      [["version-not-pinned", 12, 14]],
    );
    assert.equal(problems[0]?.message, "clusters.web: k3s v1.35.0+k3s3 for aarch64 is not among what is pinned");
    assert.equal(problems[0]?.hint, "run `npm run bramble -- artifacts update k3s-v1.35.0+k3s3-aarch64`");
  });

  it("are right once they are pinned for the processors that the cluster's VMs are on", () => {
    assert.deepEqual(unpinnedK3s(siteOf(webWith()), locked("k3s-v1.35.0+k3s3-aarch64")), []);
    const [other] = unpinnedK3s(siteOf(webWith()), locked("k3s-v1.35.0+k3s3-x86_64"));
    assert.match(other?.hint ?? "", /k3s-v1\.35\.0\+k3s3-aarch64`$/);
  });

  it("may be another that is pinned, which is named", () => {
    const [found] = unpinnedK3s(siteOf(webWith()), locked("k3s-v1.34.3+k3s1-aarch64", "alpine-rpi"));
    assert.match(found?.hint ?? "", /or write one that is pinned: v1\.34\.3\+k3s1$/);
  });

  it("are of no interest to other clusters", () => {
    assert.deepEqual(unpinnedK3s(siteOf(shelf), emptyLock), []);
  });
});
