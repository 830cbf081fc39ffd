import assert from "node:assert/strict";
import { judgeDisk } from "../../providers/steps/k3s-fsync.ts";
import { type ServiceSeen, whatIsMissing } from "../../providers/steps/k3s-gate.ts";
import { isUpgrade, type NodeState, refusal, upgradeProblem } from "../../providers/steps/k3s-guard.ts";
import type { NodeSeen } from "../../providers/steps/k3s-look.ts";
import { quorumProblem } from "../../providers/steps/k3s-quorum.ts";

const node = (name: string, but: Partial<NodeSeen> = {}): NodeSeen => ({
  name,
  ready: true,
  voter: true,
  member: true,
  left: false,
  waits: false,
  version: "v1.35.0+k3s3",
  ...but,
});

describe("a server that leaves", () => {
  const three = [node("s1"), node("s2"), node("s3"), node("n1", { voter: false, member: false })];

  it("may, while more than half of the members stay", () => {
    assert.equal(quorumProblem(three, "s3", "web"), undefined);
    assert.equal(quorumProblem([node("s1"), node("s2")], "s2", "web"), undefined);
    assert.equal(quorumProblem([node("s1"), node("s2"), node("s3", { ready: false })], "s3", "web"), undefined);
    assert.equal(quorumProblem([...three.slice(0, 2), node("s3", { left: true })], "s2", "web"), undefined);
  });

  it("is refused with the numbers where quorum would be lost", () => {
    const oneDown = [node("s1"), node("s2", { ready: false, voter: false }), node("s3")];
    assert.equal(
      quorumProblem(oneDown, "s3", "web"),
      "web would lose its quorum if s3 left now: of 3 servers 2 are up, then 1 of 2 would be, and it takes 2. " +
        "Bring s2 up again first. Nothing was changed.",
    );
    assert.match(quorumProblem([node("s1")], "s1", "web") ?? "", /then 0 of 0 .* Add another server first/);
    assert.match(quorumProblem([node("s1"), node("s2", { voter: false })], "s2", "web") ?? "", /of 2 servers 1 is up/);
  });
});

describe("an upgrade", () => {
  it("goes to a later release of the same minor version or the next", () => {
    assert.equal(upgradeProblem("v1.35.0+k3s3", "v1.35.0+k3s3"), undefined);
    assert.equal(upgradeProblem("v1.35.0+k3s3", "v1.35.0+k3s4"), undefined);
    assert.equal(upgradeProblem("v1.35.9+k3s1", "v1.35.10+k3s1"), undefined);
    assert.equal(upgradeProblem("v1.35.9+k3s3", "v1.36.0+k3s1"), undefined);
  });

  it("never goes back, leaves out a version, or to what can't be compared", () => {
    for (const to of ["v1.35.0+k3s2", "v1.34.9+k3s9", "v0.99.0+k3s1"])
      assert.match(upgradeProblem("v1.35.0+k3s3", to) ?? "", /older, and k3s can't go back/);
    assert.match(upgradeProblem("v1.35.0+k3s3", "v1.37.0+k3s1") ?? "", /Upgrade to a release of v1.36 first/);
    assert.match(upgradeProblem("v1.35.0+k3s3", "v2.0.0+k3s1") ?? "", /leaves out a minor version/);
    assert.match(upgradeProblem("v1.35.0", "v1.35.0+k3s3") ?? "", /can't be told/);
  });
});

describe("a snapshot before an upgrade", () => {
  it("is taken of what runs, and not on a machine that is new and has its old data disk", () => {
    assert.equal(isUpgrade({ version: "v1.35.0+k3s3", started: true }, "v1.35.1+k3s1"), true);
    assert.equal(isUpgrade({ version: "v1.35.1+k3s1", started: true }, "v1.35.1+k3s1"), false);
    assert.equal(isUpgrade({ version: "", started: true }, "v1.35.1+k3s1"), false);
    assert.equal(isUpgrade({ version: "v1.35.0+k3s3", started: false }, "v1.35.1+k3s1"), false);
  });
});

describe("a node of a living cluster", () => {
  const state: NodeState = {
    version: "v1.35.0+k3s3",
    started: true,
    etcd: false,
    ca: "ca1",
    token: "token1",
    agentToken: "agent1",
    fixed: "cluster-cidr: 10.42.0.0/16\nservice-cidr: 10.43.0.0/16",
  };
  const config = "service-cidr: 10.43.0.0/16\nnode-name: web-server1\ncluster-cidr: 10.42.0.0/16\n";
  const spec = { cluster: "web", version: "v1.35.0+k3s3" };
  const wanted = { spec, config, ca: "ca1", token: "token1", agentToken: "agent1" };

  it("takes what does not break it", () => {
    assert.equal(refusal("web-server1", state, wanted), undefined);
    assert.equal(refusal("web-server1", state, { ...wanted, spec: { ...spec, version: "v1.35.1+k3s1" } }), undefined);
    // A VM that is made anew has its data disk, and nothing else.
    const remade = { ...state, version: "", token: "", agentToken: "", fixed: "" };
    assert.equal(refusal("web-server1", remade, wanted), undefined);
  });

  it("keeps its authorities, tokens, networks and release, and says what would be right", () => {
    const why = (but: Partial<typeof wanted>) => refusal("web-server1", state, { ...wanted, ...but }) ?? "";
    assert.match(why({ ca: "ca2" }), /other authorities .*\(keys.epoch.k3sCa\)/);
    assert.match(why({ token: "token2" }), /another token .*\(keys.epoch.k3sToken\)/);
    assert.match(why({ agentToken: "agent2" }), /another token/);
    assert.match(
      why({ config: config.replace("10.42", "10.44") }),
      /cluster-cidr: 10\.42\.0\.0\/16[\s\S]*and the site file says\n {2}cluster-cidr: 10\.44/,
    );
    assert.match(why({ spec: { ...spec, version: "v1.34.0+k3s1" } }), /older/);
    for (const change of [{ ca: "x" }, { token: "x" }, { config: "" }])
      assert.match(why(change), /Nothing was changed\.$/);
  });

  it("is anything that it is told before it has begun", () => {
    const fresh = { ...state, started: false };
    assert.equal(refusal("web-server1", fresh, { ...wanted, ca: "ca2", token: "x", config: "" }), undefined);
  });
});

describe("a node that joins", () => {
  const service: ServiceSeen = { state: "active", restarts: 0, last: "", network: true };
  const missing = (seen: NodeSeen, but: Partial<ServiceSeen> = {}, etcd = false) =>
    whatIsMissing("n1", "v1.35.0+k3s3", etcd, { ...service, ...but }, { nodes: [seen], at: "1" });

  it("is there when pods can run on it, not when it says Ready", () => {
    assert.equal(missing(node("n1")), undefined);
    assert.equal(missing(node("n1"), {}, true), undefined);
    assert.equal(missing(node("n1"), { network: false }), "it has no network for pods yet");
    assert.equal(missing(node("n1", { waits: true })), "k3s has not yet said what machine it is");
    assert.equal(missing(node("n1", { ready: false })), "its kubelet is not ready yet");
    assert.equal(missing(node("n2")), "it has not registered yet");
    assert.equal(
      missing(node("n1", { version: "v1.34.0+k3s1" })),
      "its kubelet is still v1.34.0+k3s1, not v1.35.0+k3s3",
    );
  });

  it("has a vote before the next server comes", () => {
    assert.equal(missing(node("n1", { voter: false }), {}, true), "its etcd has no vote yet");
    assert.equal(missing(node("n1", { voter: false })), undefined);
  });

  it("says what its service complains of when that ends again and again", () => {
    assert.equal(
      missing(node("n1"), { state: "activating", restarts: 2, last: "no default routes found" }),
      "k3s is activating there (started 3 times: no default routes found)",
    );
    assert.equal(
      whatIsMissing("n1", "v1.35.0+k3s3", false, service, { down: "connection refused" }),
      "the API is not ready yet",
    );
  });
});

describe("a server's disk", () => {
  const pace = (p99: number) => ({ p99, median: 1 });

  it("is fit up to 10 ms, warned of up to 50, and refused beyond that", () => {
    assert.doesNotMatch(judgeDisk("s1", pace(10), { datastore: "etcd" }), /warning/);
    assert.match(
      judgeDisk("s1", pace(10.1), { datastore: "etcd" }),
      /^warning: s1's disk keeps 99 of 100 writes within 10.1 ms/,
    );
    assert.match(judgeDisk("s1", pace(50), { datastore: "etcd" }), /^warning/);
    assert.throws(() => judgeDisk("s1", pace(50.1), { datastore: "etcd" }), /was not started.*slowDisk: WHY/);
  });

  it("may be slow where somebody means it, and where there is no etcd", () => {
    assert.match(
      judgeDisk("s1", pace(99), { datastore: "etcd", slowDisk: "a trial" }),
      /^warning: .*is meant: a trial$/,
    );
    assert.match(judgeDisk("s1", pace(99), { datastore: "sqlite" }), /^warning/);
  });
});
