import assert from "node:assert/strict";
import { storageExports, storageMounts } from "../../components/storage-mounts.ts";
import { variables } from "../../providers/steps/environment.ts";
import type { HostStorageSpec, NfsServerSpec } from "../../providers/steps/storage-spec.ts";
import { siteId } from "../../site/keys.ts";
import type { SharedStorage } from "../../site/model.ts";
import { buildSite, isSecret, one, type Registered, secret } from "./build.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const text = `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
storage: { shelf: { server: nas } }
boards:
  nas: { model: pc, role: nfs-server, memory: 4GiB, address: 10.20.0.6, hostKey: ${key} }
  pi1: { storage: shelf, model: pi5, memory: 8GiB, serial: "10000000abcdef01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { storage: shelf, model: pi5, memory: 8GiB, serial: "10000000abcdef02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB }
    workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.101-10.20.0.104 } }
`;
const lost = text.replace("pi2: {", "pi2: { lost: unplugged by Ann,");
const id = siteId(secret);

describe("hosts with shared storage", () => {
  let registered: Registered[];
  const environment = (from: readonly Registered[], name: string): Record<string, string> => {
    const { environment } = one(from, "command:local:Command", name);
    return (isSecret(environment) ? environment.value : environment) as Record<string, string>;
  };
  const spec = <T>(from: readonly Registered[], name: string): T =>
    JSON.parse(environment(from, name)[variables.storage] ?? "");
  before(async () => {
    registered = await buildSite(text);
  });

  it("have a step for the server, and one each, with the line by which they may mount it", () => {
    const server = spec<NfsServerSpec>(registered, "shelf");
    assert.deepEqual([server.path, server.marker, server.lost], ["/srv/bramble/storage", `${id}-shelf`, []]);
    const host = spec<HostStorageSpec>(registered, "shelf/pi1");
    assert.deepEqual(
      [host.address, host.folder, host.reached?.connect],
      ["10.20.0.6", "/var/lib/bramble/storage/shelf", "ssh"],
    );
    assert.match(
      environment(registered, "shelf/pi1")[variables.exports] ?? "",
      /^\/srv\/bramble\/storage 10\.20\.0\.11\(rw,/,
    );
  });

  it("have their own disks in a folder of theirs, and data disks in one that is the same for all", () => {
    const path = (pool: string) => one(registered, "libvirt:index/pool:Pool", pool).target;
    assert.deepEqual(path("pi1"), { path: `/var/lib/bramble/storage/shelf/hosts/pi1/home-${id}` });
    assert.deepEqual(path("pi1/data"), { path: `/var/lib/bramble/storage/shelf/data/home-${id}` });
    assert.deepEqual(path("pi2/data"), path("pi1/data"));
    assert.equal(one(registered, "libvirt:index/volume:Volume", "physics-controller/data").pool, "bramble-home-data");
  });

  it("are asked for nothing once they are lost, and their VMs run elsewhere", async () => {
    const after = await buildSite(lost);
    assert.equal(
      one(after, "pulumi:providers:libvirt", "pi2").uri,
      "qemu:///system?host=pi2&lost=unplugged%20by%20Ann",
    );
    assert.deepEqual(spec<NfsServerSpec>(after, "shelf").lost, [{ host: "pi2", address: "10.20.0.12" }]);
    assert.deepEqual(
      after.filter(({ type, name }) => type === "libvirt:index/pool:Pool" && name.startsWith("pi2")),
      [],
    );
    assert.ok(!after.some(({ name }) => name === "shelf/pi2"));
  });

  it("know of workers where they and their controllers run, so that nobody is drained by one that is lost", () => {
    const places = JSON.parse(environment(registered, "physics-n1/slurm")[variables.places] ?? "");
    assert.equal(places.site, "home");
    assert.deepEqual([places.worker, places.controller].sort(), ["pi1", "pi2"]);
  });
});

describe("a board that boots over the network", () => {
  const shelf = (driveFolder?: string): SharedStorage => ({
    ...{ name: "shelf", path: "/srv/bramble/storage", folder: "/var/lib/bramble/storage/shelf", lost: [] },
    address: "10.20.0.6" as SharedStorage["address"],
    server: { board: "nas" as never, connect: "ssh", user: "root", ...(driveFolder && { driveFolder }) },
    clients: [{ host: "pi1" as never, address: "10.20.0.11" as never }],
  });
  const mounts = (name: string, more: object = {}, storage = shelf()) =>
    storageMounts([storage], { name: name as never, ...more }, "0123abcd").split("\n");

  it("mounts the storage that it uses, and keeps what lasts there", () => {
    const [first, second] = mounts("pi1", { lasting: "/var/lib/bramble/storage/shelf/hosts/pi1" });
    assert.match(
      first ?? "",
      /^nfs4 10\.20\.0\.6:\/srv\/bramble\/storage \/var\/lib\/bramble\/storage\/shelf \S+ 0123abcd-shelf$/,
    );
    assert.equal(second, "lasting /var/lib/bramble/storage/shelf/hosts/pi1");
  });

  it("mounts its own drive", () => {
    const drive = { id: "nvme-X-part1", folder: "/var/lib/bramble/drive" };
    assert.deepEqual(mounts("pi2", { drive, lasting: "/var/lib/bramble/drive/bramble" }), [
      "ext4 /dev/disk/by-id/nvme-X-part1 /var/lib/bramble/drive noatime -",
      "lasting /var/lib/bramble/drive/bramble",
      "",
    ]);
  });

  it("has, as the server, its drive where the storage is, and exports it from the start", () => {
    const drive = { id: "nvme-X-part1", folder: "/var/lib/bramble/drive" };
    const served = shelf("/srv/bramble");
    assert.deepEqual(mounts("nas", { drive, lasting: "/var/lib/bramble/drive/bramble" }, served), [
      "ext4 /dev/disk/by-id/nvme-X-part1 /srv/bramble noatime -",
      "lasting /srv/bramble/lasting",
      "",
    ]);
    assert.deepEqual(storageExports([served], "nas", "0123abcd"), [
      {
        path: "/srv/bramble/storage",
        clients: ["10.20.0.11"],
        store: "0123abcd-shelf",
        mountpoint: "/srv/bramble",
        note: "shelf pi1",
      },
    ]);
    assert.deepEqual(storageExports([served], "pi1", "0123abcd"), []);
  });
});
