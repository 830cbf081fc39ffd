import assert from "node:assert/strict";
import fc from "fast-check";
import { labelValuePattern, parseLabelKey, parseTaint, printTaint } from "../../site/kubernetes-names.ts";
import { quorumOf } from "../../site/rules/k3s.ts";
import { alone, clusterOf, config, type Edit, more, refuses, webWith } from "./k3s-samples.ts";
import { siteOf, warningsOf } from "./shelf.ts";

const servers = (rest: string): Edit => ["memory: 2GiB, addresses", `${rest}, addresses`];
describe("a k3s cluster", () => {
  it("has servers and agents with addresses, and names and places that they keep", () => {
    const site = siteOf(webWith());
    assert.deepEqual(
      site.vms.map(({ name, role, group, address, dataGiB }) => [name, role, group, address, dataGiB]),
      [
        ["web-server1", "server", "server", "10.20.0.21", 8],
        ["web-server2", "server", "server", "10.20.0.22", 8],
        ["web-server3", "server", "server", "10.20.0.23", 8],
        ["web-n1", "agent", "n", "10.20.0.31", undefined],
        ["web-n2", "agent", "n", "10.20.0.32", undefined],
      ],
    );
    assert.equal(new Set(site.vms.slice(0, 3).map(({ host }) => host)).size, 3);
  });

  it("is what the file says of it, with k3s's own defaults", () => {
    const { groups, serverSlots, storage, ...cluster } = clusterOf(
      webWith(config("servers", "disable: [traefik], debug: true")),
    );
    assert.deepEqual(cluster, {
      name: "web",
      type: "k3s",
      version: "v1.35.0+k3s3",
      endpoint: "10.20.0.20",
      datastore: "etcd",
      servers: ["web-server1", "web-server2", "web-server3"],
      agents: ["web-n1", "web-n2"],
      podsCidr: "10.42.0.0/16",
      servicesCidr: "10.43.0.0/16",
      dns: "10.43.0.10",
      settings: { servers: { debug: true, disable: ["traefik"] }, agents: {} },
      drainTimeoutSeconds: 300,
      disposable: false,
    });
    assert.equal(serverSlots.length, 5);
    assert.equal(storage?.address, "192.168.9.6");
    assert.deepEqual(groups[0]?.labels, { disk: "ssd" });
    assert.deepEqual(groups[0]?.taints, [{ key: "gpu", value: "yes", effect: "NoSchedule" }]);
  });

  it("of one server keeps its state in sqlite, and needs no endpoint and no agent", () => {
    const cluster = clusterOf(webWith(...alone, ["count: 2", "count: 0"]));
    assert.equal(cluster.datastore, "sqlite");
    assert.equal(cluster.endpoint, undefined);
    assert.deepEqual([cluster.servers, cluster.agents], [["web-server1"], []]);
  });

  it("stands beside a Slurm cluster, each with its own VMs", () => {
    const slurm =
      "clusters:\n  hpc: { type: slurm, controller: { address: 10.20.0.100, memory: 1GiB }, workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.101 } } }";
    const { clusters, vms } = siteOf(webWith(["clusters:", slurm]));
    assert.deepEqual(
      clusters.map(({ type }) => type),
      ["slurm", "k3s"],
    );
    assert.equal(vms.filter(({ cluster }) => cluster === "hpc").length, 2);
  });
});

describe("servers of k3s", () => {
  it("outlive the loss of 1 of 3 and 2 of 5", () => {
    assert.deepEqual([1, 2, 3, 4, 5].map(quorumOf), [1, 2, 2, 3, 3]);
  });

  refuses("none of them", [["count: 3", "count: 0"]], ["no-server at 14: 0"], /has no server.*use 1, or 3 or 5/);
  refuses(
    "an even number",
    [["count: 3", "count: 4"]],
    ["even-servers at 14: 4"],
    /of 4 servers 3 must be there, so no more may be lost than of 3: 1 → use 3 or 5/,
  );
  refuses("more than five", [["count: 3", "count: 7"]], ["out-of-range at 14: 7"], /use at most 5/);
  refuses(
    "three of them without an endpoint",
    [["    endpoint: 10.20.0.20\n", ""]],
    ["no-endpoint at 10: web:"],
    /3 servers and no address .*add endpoint: 10\.20\.0\.20, with an address that nothing has/,
  );
  refuses(
    "an endpoint that another has",
    [["endpoint: 10.20.0.20", "endpoint: 10.20.0.12"]],
    ["duplicate-address at 13: 10.20.0.12"],
    /also that of boards\.pi2/,
  );
  refuses(
    "an endpoint in the range of a group",
    [["endpoint: 10.20.0.20", "endpoint: 10.20.0.38"]],
    ["overlapping-addresses at 16: 10.20.0.31-10.20.0.38"],
  );
  refuses(
    "an endpoint outside the network",
    [["endpoint: 10.20.0.20", "endpoint: 10.21.0.20"]],
    ["outside-network at 13: 10.21.0.20"],
  );
  refuses(
    "an endpoint where there is room for one server only",
    [
      ["count: 3", "count: 1"],
      ["10.20.0.21-10.20.0.25", "10.20.0.21"],
    ],
    ["endpoint-of-one at 13: endpoint:"],
    /can't be anywhere else than at 10\.20\.0\.21/,
  );
  refuses(
    "less memory than one needs",
    [servers("memory: 1GiB")],
    ["too-little-memory at 14: 1GiB"],
    /use 1\.5GiB at least/,
  );
  refuses(
    "a range that is too short",
    [["10.20.0.21-10.20.0.25", "10.20.0.21-10.20.0.22"]],
    ["range-too-short at 14: 10.20.0.21-10.20.0.22"],
  );
  refuses("a board that there is none of", [servers("memory: 2GiB, hosts: [pi9]")], ["unknown-board at 14: pi9"]);
});

describe("where servers of k3s run", () => {
  refuses(
    "most of them on one host, with numbers",
    [servers("memory: 2GiB, host: pi1")],
    ["quorum-on-one-host at 14: servers:"],
    /3 of 3 servers are on pi1; without it there are 0, and 2 are needed/,
  );

  it("may be most of them on one host where there are fewer than three, with a warning", () => {
    const two = webWith([/ {2}pi3.*\n/.exec(webWith())?.[0] ?? "", ""]);
    assert.deepEqual(
      warningsOf(two).map(({ rule, line }) => [rule, line]),
      [["quorum-on-one-host", 13]],
    );
    assert.match(warningsOf(two)[0]?.message ?? "", /2 of 3 servers are on pi\d; without it there are 1, and 2/);
    assert.deepEqual(warningsOf(webWith()), []);
  });

  const onNfs: Edit[] = ["pi1", "pi2", "pi3"].map((pi) => [`${pi}: { `, `${pi}: { storage: shelf, `]);
  refuses(
    "etcd with its disks on NFS, whatever is said of slow disks",
    [...onNfs, more("slowDisk: we know")],
    ["etcd-on-nfs at 14: servers:"],
    /on pi1, pi2 and pi3 the disks of VMs are on NFS.*give boards a drive/,
  );
  refuses(
    "one of etcd's servers with its disk on NFS",
    [onNfs[1] ?? ["", ""]],
    ["etcd-on-nfs at 14: servers:"],
    /name boards with disks of their own, of which there is pi1 and pi3/,
  );

  it("may be on NFS if there is one, which keeps its state in a file, with a warning", () => {
    const [warning] = warningsOf(webWith(...onNfs, ...alone));
    assert.equal(warning?.rule, "state-on-nfs");
    assert.match(warning?.message ?? "", /has its VMs' disks on shelf/);
  });
});

describe("agents of k3s", () => {
  refuses(
    "less memory than one needs",
    [["memory: 1GiB", "memory: 384MiB"]],
    ["too-little-memory at 16: 384MiB"],
    /an agent of k3s and its pods do not run in 384MiB → use 512MiB at least/,
  );
  refuses(
    "a group called like the servers",
    [["      n: ", "      server: "]],
    ["bad-name at 16: server:"],
    /call the group n/,
  );
  refuses(
    "a label in Kubernetes' own domain",
    [["disk: ssd", "node-role.kubernetes.io/worker: x"]],
    ["bad-label at 16: node-role.kubernetes.io/worker"],
    /lets no node set .*use another key, such as role: worker/,
  );
  refuses(
    "a label that Kubernetes does not take",
    [["disk: ssd", "disk: fast one"]],
    ["bad-label at 16: fast"],
    /cannot be the value of a label/,
  );
  refuses(
    "a label that YAML takes for something else",
    [["disk: ssd", "disk: true"]],
    ["wrong-type at 16: true"],
    /put it in quotes.*"true"/,
  );
  refuses(
    "a taint of another form",
    [["gpu=yes:NoSchedule", "gpu=yes"]],
    ['bad-taint at 16: "gpu=yes"'],
    /is not a taint → write it as KEY=VALUE:EFFECT/,
  );
  refuses(
    "an effect in small letters",
    [["gpu=yes:NoSchedule", "gpu=yes:noschedule"]],
    ['bad-taint at 16: "gpu=yes:noschedule"'],
    /write NoSchedule/,
  );
  refuses(
    "two taints of one kind",
    [['"gpu=yes:NoSchedule"', '"gpu=yes:NoSchedule", "gpu:NoSchedule"']],
    ['duplicate-taint at 16: "gpu:NoSchedule"'],
    /there are two of gpu with NoSchedule/,
  );
});

describe("labels and taints", () => {
  it("are printed as they are read", () => {
    const part = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/);
    const effect = fc.constantFrom("NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const);
    fc.assert(
      fc.property(part, fc.oneof(part, fc.constant("")), effect, (key, value, effect) => {
        const taint = { key, value, effect };
        assert.deepEqual(parseTaint(printTaint(taint)), { value: taint });
      }),
    );
  });

  it("never hold what could end a word in a configuration or a command", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const parsed = parseLabelKey(text);
        if ("value" in parsed) assert.match(text, /^[A-Za-z0-9._/-]{1,317}$/);
        if (new RegExp(labelValuePattern).test(text)) assert.match(text, /^[A-Za-z0-9._-]{0,63}$/);
      }),
    );
  });

  it("of where a machine stands may be set, and those that Kubernetes or k3s sets may not", () => {
    const allowed = ["disk", "example.org/rack", "topology.kubernetes.io/zone", "node.kubernetes.io/kind"];
    const refused = [
      "kubernetes.io/hostname",
      "a.k8s.io/b",
      "k3s.io/x",
      "p2p.k3s.cattle.io/x",
      "node-role.kubernetes.io/master",
    ];
    for (const key of allowed) assert.ok("value" in parseLabelKey(key), key);
    for (const key of refused) assert.ok(!("value" in parseLabelKey(key)), key);
    assert.ok(!("value" in parseLabelKey(`${"a".repeat(254)}/x`)));
  });
});
