import assert from "node:assert/strict";
import { siteId, siteKeys } from "../../site/keys.ts";
import { buildSite, isSecret, one, type Registered, secret } from "./build.ts";

const text = `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
boards:
  pi1: { model: pi5, memory: 8GiB, serial: "10000000abcdef01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000abcdef02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB, host: pi1 }
    workers: { n: { count: 2, memory: 1GiB, addresses: 10.20.0.101-10.20.0.104 } }
`;
describe("the program", () => {
  let registered: Registered[];
  before(async () => {
    registered = await buildSite(text);
  });
  const environment = (name: string): Record<string, unknown> => {
    const { environment } = one(registered, "command:local:Command", name);
    return (isSecret(environment) ? environment.value : environment) as Record<string, unknown>;
  };

  it("makes one connection for each host, by names that are the same on every runner", () => {
    const uris = registered.filter(({ type }) => type === "pulumi:providers:libvirt").map(({ inputs }) => inputs.uri);
    assert.deepEqual(uris.sort(), [
      "qemu+ssh://root@10.20.0.11/system?host=pi1&sshauth=privkey&keyfile=$BRAMBLE_WORK/ssh/home/deploy-key&knownhosts=$BRAMBLE_WORK/ssh/home/known_hosts",
      "qemu+ssh://root@10.20.0.12/system?host=pi2&sshauth=privkey&keyfile=$BRAMBLE_WORK/ssh/home/deploy-key&knownhosts=$BRAMBLE_WORK/ssh/home/known_hosts",
    ]);
  });

  it("gives each VM its own MAC address, disks and owner", () => {
    const domain = one(registered, "libvirt:index/domain:Domain", "physics-n1");
    assert.equal(domain.name, "home-physics-n1");
    assert.equal(domain.description, `Bramble site home ${siteId(secret)}`);
    const macs = registered
      .filter(({ type }) => type === "libvirt:index/domain:Domain")
      .map(({ inputs }) => JSON.stringify(inputs.networkInterfaces));
    assert.equal(new Set(macs).size, 3);
  });

  it("starts programs of emulated guests at the same addresses each time, and of others by chance", async () => {
    const parameters = (site: readonly Registered[]) =>
      JSON.stringify(one(site, "libvirt:index/domain:Domain", "physics-controller").cmdlines);
    const emulated = await buildSite(text.replace("address: 10.20.0.11", "accelerator: tcg, address: 10.20.0.11"));
    assert.match(parameters(emulated), /"rw quiet norandmaps"/);
    assert.match(parameters(registered), /"rw quiet"/);
  });

  it("keeps the state of the queue on a disk that refuses to be deleted", () => {
    assert.equal(one(registered, "libvirt:index/volume:Volume", "physics-controller/data").size, 8 * 2 ** 30);
  });

  it("hands each guest what it needs to know, and its seed nothing that is for others", () => {
    assert.match(String(environment("physics-controller/slurm").BRAMBLE_SLURM_CONF), /^ClusterName=physics$/m);
    const seed = one(registered, "libvirt:index/cloudinitDisk:CloudinitDisk", "physics-n1");
    assert.ok(isSecret(seed.userData));
    assert.match(String(seed.networkConfig), /10\.20\.0\.101\/24/);
  });

  it("never writes a private key or the munge key in clear", () => {
    const keys = siteKeys(secret, "home", {
      sshCa: 1,
      sshHostKey: 1,
      deployKey: 1,
      mungeKey: 1,
      k3sCa: 1,
      k3sToken: 1,
    });
    const munge = Buffer.from(keys.mungeKey("physics")).toString("base64");
    const clear = JSON.stringify(registered, (_key, value: unknown) => (isSecret(value) ? "hidden" : value));
    assert.ok(!clear.includes("PRIVATE KEY"));
    assert.ok(!clear.includes(munge));
    assert.ok(JSON.stringify(registered).includes(munge), "the check looks for the right thing");
  });

  it("drains a worker before anything of it goes, and nothing but workers", () => {
    const leaving = registered.filter(({ inputs }) => inputs.delete !== undefined).map(({ name }) => name);
    assert.deepEqual(leaving.sort(), ["physics-n1/slurm", "physics-n2/slurm"]);
    assert.equal(environment("physics-n1/slurm").BRAMBLE_PATIENCE, "1800");
  });

  it("changes nothing on the other machines when a worker comes", async () => {
    const more = await buildSite(text.replace("count: 2", "count: 3"));
    const name = (resource: Registered) => `${resource.type} ${resource.name}`;
    const before = new Map(registered.map((resource) => [name(resource), JSON.stringify(resource.inputs)]));
    const changed = more.filter((resource) => before.get(name(resource)) !== JSON.stringify(resource.inputs));
    assert.deepEqual([...new Set(changed.map((resource) => resource.name))].sort(), [
      "home", // the roster
      "physics-n3",
      "physics-n3/ready",
      "physics-n3/slurm",
    ]);
    assert.equal(more.length - registered.length, changed.length - 1);
  });
});
