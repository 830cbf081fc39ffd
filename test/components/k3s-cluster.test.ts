import assert from "node:assert/strict";
import { parse } from "yaml";
import { k3sIdentity } from "../../components/k3s-identity.ts";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { variables } from "../../providers/steps/environment.ts";
import type { K3sMembership, K3sNodeSpec, K3sSecrets } from "../../providers/steps/k3s-spec.ts";
import { siteKeys } from "../../site/keys.ts";
import { buildSite, isSecret, one, type Registered, secret } from "./build.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const text = `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
storage: { shelf: { server: nas } }
boards:
  nas: { model: pc, role: nfs-server, memory: 4GiB, address: 10.20.0.6, hostKey: ${key} }
  pi1: { model: pi5, memory: 16GiB, serial: "10000000abcdef01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, memory: 16GiB, serial: "10000000abcdef02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
  pi3: { model: pi5, memory: 16GiB, serial: "10000000abcdef03", mac: "dc:a6:32:00:00:03", address: 10.20.0.13 }
clusters:
  web:
    type: k3s
    version: v1.35.0+k3s3
    endpoint: 10.20.0.20
    storage: shelf
    servers: { count: 3, memory: 2GiB, addresses: 10.20.0.21-10.20.0.25 }
    agents:
      n: { count: 2, memory: 1GiB, addresses: 10.20.0.31-10.20.0.34, labels: { disk: ssd }, taints: ["gpu=yes:NoSchedule"] }
    config: { servers: { disable: [traefik] } }
`;
const bundle = (arch: string) => ({
  [`k3s-v1.35.0+k3s3-${arch}`]: { version: "v1.35.0+k3s3", sha256: "ab".repeat(32), bytes: 5, inputs: "cd".repeat(32) },
});
const lock: ArtifactLock = { ...emptyLock, artifacts: { ...bundle("aarch64"), ...bundle("x86_64") } };

describe("a k3s cluster", () => {
  let registered: Registered[];
  before(async () => {
    registered = await buildSite(text, lock);
  });
  const environment = (name: string, from: readonly Registered[] = registered): Record<string, string> => {
    const { environment } = one(from, "command:local:Command", name);
    const values = (isSecret(environment) ? environment.value : environment) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, String(isSecret(value) ? value.value : value)]),
    );
  };
  const spec = (name: string): K3sNodeSpec => JSON.parse(environment(`${name}/k3s`)[variables.k3sNode] ?? "");
  const secrets = (name: string): K3sSecrets => JSON.parse(environment(`${name}/k3s`)[variables.k3sSecrets] ?? "");
  const config = (name: string) => parse(environment(`${name}/k3s`)[variables.k3sConfig] ?? "");
  const position = (type: string, name: string) =>
    registered.findIndex((resource) => resource.type === type && resource.name === name);

  it("makes servers one after the other, then agents, each after the one before is a node", () => {
    const steps = ["web-server1", "web-server2", "web-server3", "web-n1", "web-n2"];
    const order = steps.map((name) => position("command:local:Command", `${name}/k3s`));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    // Nothing of a server is made, or made anew, before the one before has its vote; agents' VMs boot meanwhile.
    for (const [index, name] of steps.slice(1, 3).entries())
      assert.ok(position("libvirt:index/volume:Volume", name) > (order[index] ?? Number.POSITIVE_INFINITY), name);
    assert.ok(position("libvirt:index/volume:Volume", "web-n2") > (order[3] ?? Number.POSITIVE_INFINITY));
  });

  it("brings an agent its release while the servers start", () => {
    const brought = position("command:local:Command", "web-n1/k3s-bundle");
    assert.ok(brought >= 0 && brought < position("command:local:Command", "web-server1/k3s"));
    assert.equal(JSON.parse(environment("web-n1/k3s-bundle")[variables.k3sBundle] ?? "").version, "v1.35.0+k3s3");
  });

  it("takes every node out of it before anything of its VM goes", () => {
    for (const name of ["web-server1", "web-n1"]) {
      const step = one(registered, "command:local:Command", `${name}/k3s`);
      assert.match(String(step.delete), /main\.ts k3s-node remove$/);
      assert.deepEqual(step.triggers, [`${name}-id`]);
      const member: K3sMembership = JSON.parse(environment(`${name}/k3s`)[variables.k3sMembership] ?? "");
      assert.equal(member.drain, 300);
      assert.deepEqual(Object.keys(member.places), [...new Set(["web-server1", "web-server2", "web-server3", name])]);
    }
  });

  it("gives servers their authorities and both tokens, and agents nothing but how to join", () => {
    const keys = siteKeys(secret, "home", {
      sshCa: 1,
      sshHostKey: 1,
      deployKey: 1,
      mungeKey: 1,
      k3sCa: 1,
      k3sToken: 1,
    });
    const { serverToken, agentToken, authorities } = k3sIdentity(keys, "web");
    for (const name of ["web-server1", "web-server2", "web-server3"])
      assert.deepEqual(secrets(name), { token: serverToken.full, agentToken: agentToken.password, authorities });
    assert.deepEqual(secrets("web-n1"), { token: agentToken.full });
    assert.match(agentToken.full, /^K10[0-9a-f]{64}::node:/);
    assert.notEqual(serverToken.password, agentToken.password);
  });

  it("shows nothing secret in clear", () => {
    const { token, agentToken = "", authorities = {} } = secrets("web-server1");
    const clear = JSON.stringify(registered, (_key, value: unknown) => (isSecret(value) ? "hidden" : value));
    const all = JSON.stringify(registered);
    for (const word of [token, agentToken, secrets("web-n1").token]) {
      assert.ok(all.includes(word), "the check looks for the right thing");
      assert.ok(!clear.includes(word));
    }
    assert.ok(Object.keys(authorities).some((path) => path.endsWith(".key")));
    assert.ok(!clear.includes("PRIVATE KEY"));
  });

  it("says in config.yaml all but how a server begins, which depends on what is there then", () => {
    const server = config("web-server2");
    assert.equal(server["node-name"], "web-server2");
    assert.deepEqual(server["cluster-cidr"], ["10.42.0.0/16"]);
    assert.ok(server["tls-san"].includes("10.20.0.20") && server["tls-san"].includes("10.20.0.25"));
    assert.deepEqual(server.disable, ["local-storage", "metrics-server", "runtimes", "servicelb", "traefik"]);
    assert.ok(!("server" in server) && !("cluster-init" in server) && !("token" in server));
    const agent = config("web-n1");
    assert.equal(agent.server, "https://10.20.0.20:6443");
    assert.deepEqual(agent["node-label"], ["disk=ssd"]);
    assert.deepEqual(agent["node-taint"], ["gpu=yes:NoSchedule"]);
  });

  it("lets servers hold the endpoint together, on the interface that the guest knows", () => {
    assert.match(environment("web-server1/k3s")[variables.keepalivedConf] ?? "", /10\.20\.0\.20\/24 dev INTERFACE/);
    assert.equal(environment("web-n1/k3s")[variables.keepalivedConf], undefined);
  });

  it("runs the release that is pinned", () => {
    assert.deepEqual(spec("web-server1").bundle, {
      file: `.bramble/artifacts/${"ab".repeat(32)}`,
      sha256: "ab".repeat(32),
    });
    assert.equal(spec("web-n2").version, "v1.35.0+k3s3");
  });

  it("has an image of its own on the hosts", () => {
    const images = registered.filter(({ name }) => name.includes("debian-13-slurm"));
    assert.deepEqual(images, []);
    assert.ok(registered.some(({ name }) => name === "pi1/debian-13-k3s-0123456789abcdef/disk.qcow2"));
  });

  it("lets its nodes mount its own part of the storage, and has volumes there for pods", () => {
    const exports = environment("web/shelf")[variables.exports]?.split("\n") ?? [];
    assert.equal(exports.length, 9);
    assert.equal(exports[0], "/srv/bramble/storage/pods/web 10.20.0.21(rw,sync,subtree_check,root_squash)");
    const manifests = environment("web/volumes")[variables.manifests] ?? "";
    assert.match(manifests, /is-default-class: "true"/);
    assert.match(manifests, /path: \/srv\/bramble\/storage\/pods\/web\/16\n/);
    assert.doesNotMatch(manifests, /nfs\.csi\.k8s\.io/);
  });

  it("changes nothing on the others when an agent comes, but for the list of VMs", async () => {
    const more = await buildSite(text.replace("n: { count: 2", "n: { count: 3"), lock);
    const name = (resource: Registered) => `${resource.type} ${resource.name}`;
    const before = new Map(registered.map((resource) => [name(resource), JSON.stringify(resource.inputs)]));
    const changed = more.filter((resource) => before.get(name(resource)) !== JSON.stringify(resource.inputs));
    assert.deepEqual([...new Set(changed.map((resource) => resource.name))].sort(), [
      "home",
      "web-n3",
      "web-n3/k3s",
      "web-n3/k3s-bundle",
      "web-n3/ready",
    ]);
  });

  it("has the same settings with one server as with three, so that none starts anew when others come or go", async () => {
    const board = /model: pi5, memory: 16GiB, serial: "\w+", mac: "[\w:]+"/g;
    const slow = text.replaceAll(board, `model: pc, cores: 4, memory: 16GiB, accelerator: tcg, hostKey: ${key}`);
    const configIn = async (text: string) =>
      environment("web-server1/k3s", await buildSite(text, lock))[variables.k3sConfig];
    const three = await configIn(slow);
    assert.match(three ?? "", /heartbeat-interval/);
    assert.equal(await configIn(slow.replace("count: 3", "count: 1")), three);
  });

  it("upgrades in place: no VM changes with the version", async () => {
    const next = { ...lock, artifacts: { ...lock.artifacts, ...later("aarch64"), ...later("x86_64") } };
    const upgraded = await buildSite(text.replace("v1.35.0+k3s3", "v1.35.1+k3s1"), next);
    const before = new Map(
      registered.map((resource) => [resource.name + resource.type, JSON.stringify(resource.inputs)]),
    );
    const changed = upgraded.filter(({ name, type, inputs }) => before.get(name + type) !== JSON.stringify(inputs));
    const nodes = ["web-server1", "web-server2", "web-server3", "web-n1", "web-n2"];
    const names = changed.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => name.endsWith("/k3s")),
      nodes.map((node) => `${node}/k3s`),
    );
    assert.deepEqual(names.toSorted(), nodes.flatMap((node) => [`${node}/k3s`, `${node}/k3s-bundle`]).toSorted());
    const triggers = (from: readonly Registered[]) => one(from, "command:local:Command", "web-server1/k3s").triggers;
    assert.deepEqual(triggers(upgraded), triggers(registered));
  });
});

function later(arch: string) {
  return {
    [`k3s-v1.35.1+k3s1-${arch}`]: {
      version: "v1.35.1+k3s1",
      sha256: "ef".repeat(32),
      bytes: 5,
      inputs: "01".repeat(32),
    },
  };
}
