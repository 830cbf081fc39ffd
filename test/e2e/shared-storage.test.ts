import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type SshKeyPair, sshKeyPair } from "../../formats/ssh-key.ts";
import { probeAccel } from "../../tools/lab/host/kvm.ts";
import { ensurePackages } from "../../tools/lab/host/packages.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { type SecondHost, startSecondHost } from "../doubles/second-host.ts";
import { type DebianGuest, startDebianGuest } from "./support/debian-guest.ts";
import { begunAt, doneAt, isDoneBefore } from "./support/engine-events.ts";
import { makeSegment, type Segment } from "./support/segment.ts";
import { makeSecret, type ThrowAwaySite, throwAwaySite } from "./support/site.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "./support/steps.ts";
import { startGhost } from "./support/storage-ghost.ts";

const folder = "/var/lib/bramble/storage/shelf";
const path = "/srv/bramble/storage";

/**
 * Two hosts that share the disks of their VMs. The server is a machine with a real nfsd. This kernel has no NFS client,
 * so on the hosts a folder of this machine, bound to its place, stands in for the mount.
 */
describe("two hosts with shared storage", function () {
  this.timeout(600_000);
  const undo: (() => Promise<void>)[] = [];
  let accelerator: "kvm" | "tcg" = "tcg";
  let segment: Segment;
  let site: ThrowAwaySite;
  let nas: DebianGuest;
  let a: SecondHost;
  let b: SecondHost;
  /** What is mounted on the hosts. */
  let shelf = "";
  let marker = "";
  let hostKeys: Record<"a" | "b" | "nas", SshKeyPair>;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || !existsSync("/usr/sbin/sshd")) this.skip();
    await ensurePackages();
    accelerator = (await probeAccel()).accel;
    segment = await makeSegment();
    undo.push(() => segment.remove());
    site = await throwAwaySite("shelves");
    undo.push(() => site.remove());
    const { siteId, authorizedKey, hostKey } = await makeSecret(site);
    hostKeys = { a: hostKey("a"), b: hostKey("b"), nas: hostKey("nas") };
    marker = `${siteId}-shelf`;
    shelf = await mkdtemp(`${tmpdir()}/bramble-shelf-`);
    await chmod(shelf, 0o755); // QEMU runs as another user
    undo.push(() => rm(shelf, { recursive: true, force: true }));
    for (const own of ["/etc/bramble", "/var/lib/bramble"]) {
      if ((await mkdir(own, { recursive: true })) !== undefined) undo.push(() => rmdir(own));
    }
    const key = sshKeyPair(randomBytes(32));
    const starting = startDebianGuest({
      ...{ name: "nas", segment, last: 4, accelerator, hostKey: hostKeys.nas, authorizedKeys: [authorizedKey], key },
    });
    const start = async (name: "a" | "b", last: number) => {
      const host = await startSecondHost({
        name,
        address: `${segment.address(last)}/24`,
        wire: { bridge: segment.bridge },
        hostKey: hostKeys[name].privateKey,
        authorizedKey,
      });
      let isUp = true;
      const stop = async () => {
        if (isUp) await host.stop();
        isUp = false;
      };
      undo.push(stop);
      await host.run(["sh", "-c", ownFolders, "sh", folder, shelf]);
      return { ...host, stop };
    };
    try {
      a = await start("a", 2);
      b = await start("b", 3);
    } finally {
      nas = await starting;
      undo.push(() => nas.stop());
    }
    await nas.run("mkdir -p /srv/bramble && mount /dev/disk/by-id/virtio-storage /srv/bramble");
  });

  eachGoesOnFromTheLast();

  after(async () => {
    for (const step of undo.reverse()) await step();
  });

  it("is made on its server, exported to the hosts alone, and not taken for mounted where it is not", async () => {
    await site.write(document({ clusters: false }));
    const up = await site.operate("up");
    notEqual(up.code, 0, "a folder without a marker was taken");
    match(up.output, /shelf is not the storage that it should be: it has no \.bramble-storage/);
    equal(await nas.run(`cat ${path}/.bramble-storage`), marker);
    await writeFile(`${shelf}/.bramble-storage`, `${marker.replace("-shelf", "-other")}\n`);
    match((await site.operate("up")).output, /is another storage than it should be: .* says \w+-other, not \w+-shelf/);

    await writeFile(`${shelf}/.bramble-storage`, `${marker}\n`);
    await succeeds(site.operate("up"));
    deepEqual(await exportsOfNas(), [segment.address(2), segment.address(3)]);
    const options = await nas.run("exportfs -v");
    match(options, /fsid=[0-9a-f-]{36}/);
    match(options, /mountpoint=\/srv\/bramble,.*no_root_squash/);
    deepEqual((await succeeds(site.operate("up"))).steps, []);
  });

  it("has VMs on both hosts, which run one job together", async () => {
    await site.write(document({ controllerOn: "b" }));
    await succeeds(site.operate("up"));
    const hosts = new Set([...(await domains(a)), ...(await domains(b))]);
    deepEqual([...hosts].sort(), ["shelves-hpc-controller", "shelves-hpc-n1", "shelves-hpc-n2"]);
    equal((await domains(a)).length, 1);
    equal(await jobOnBoth(), "hpc-n1 hpc-n2");
    deepEqual(await readdir(`${shelf}/data/shelves-${marker.slice(0, 8)}`), ["hpc-controller-data.qcow2"]);
    await onController("runuser -l demo -c 'echo kept > kept && sync'");
  });

  it("starts no VM while nothing, or something else, is mounted in the storage's place", async () => {
    const disk = `${folder}/hosts/a/probe.img`;
    const start = async () => {
      // Of a disk that is not there libvirt complains by itself; this one is there, and in the wrong place.
      await a.run([
        "sh",
        "-c",
        'mkdir -p "$(dirname "$1")" && truncate -s 1M "$1" && printf %s "$2" >/run/probe.xml',
        "sh",
        disk,
        probe(disk),
      ]);
      return a.run(["sh", "-c", "virsh -q -c qemu:///system create /run/probe.xml 2>&1 || true"]);
    };
    await a.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder]);
    match(await start(), /probe does not start: its disk is on .*, which is not the storage that it should be/);
    await a.run(["sh", "-c", 'echo 89abcdef-shelf > "$1/.bramble-storage"', "sh", folder]);
    match(await start(), /probe does not start: .* which is another storage than it should be/);
    await a.run(["umount", folder]);
    equal(await start(), "");
    match(await a.virsh("list", "--name"), /^probe$/m);
    await a.virsh("destroy", "probe");
  });

  it("moves the controller to the other host with its data, which stays where it is", async () => {
    const before = await nextJob();
    await site.write(document({ controllerOn: "a" }));
    const preview = await succeeds(site.operate("preview"));
    deepEqual(
      preview.steps.filter(({ what }) => what.endsWith("/data")),
      [],
    );
    await succeeds(site.operate("up"));
    ok((await domains(a)).includes("shelves-hpc-controller"));
    equal(await onController("cat /home/demo/kept"), "kept");
    equal((await nextJob()) > before, true);
    equal(await jobOnBoth(), "hpc-n1 hpc-n2");
  });

  it("is written by one QEMU at a time: a second one does not get the disk", async () => {
    const disk = `${folder}/data/shelves-${marker.slice(0, 8)}/hpc-controller-data.qcow2`;
    const said = await b.run(["sh", "-c", 'qemu-io -c "write 0 512" "$1" 2>&1 || true', "sh", disk]);
    match(said, /Failed to get .*lock/);
  });

  it("makes nothing elsewhere while a host does not answer, and says how to say that it is lost", async () => {
    await a.run(["ip", "link", "set", "eth0", "down"]);
    await site.write(document({ controllerOn: "b" }));
    const up = await site.operate("up");
    notEqual(up.code, 0, up.output);
    match(up.output, /may still run.* never will again, say so at its board in the site file \(lost: WHY\)/);
    equal((await domains(b)).includes("shelves-hpc-controller"), false);
  });

  it("takes a lost host's storage away before its VMs are made elsewhere, and asks it nothing", async () => {
    const ghost = await startGhost(nas, segment.address(2), path);
    await site.write(document({ controllerOn: "b", lost: "unplugged by Ann" }));
    const preview = await succeeds(site.operate("preview"));
    const updated = preview.steps.flatMap(({ op, what }) => (op === "update" ? [what] : []));
    deepEqual(updated.sort(), ["Command shelf", "PlanGuard shelves", "Roster shelves", "libvirt a"]);
    // Its QEMU still runs, and its lock on the disk is not in the server's hands here.
    const first = await site.operate("up");
    notEqual(first.code, 0, first.output);
    match(first.output, /Failed to get .*lock/);
    equal(await ghost.writes(), false);
    const written = await ghost.count();
    deepEqual(await exportsOfNas(), [segment.address(3)]);

    await a.stop();
    const second = await succeeds(site.operate("up"));
    ok(doneAt(first, "Command shelf") < begunAt(second, "Domain hpc-controller", /create/), "it was fenced first");
    ok(isDoneBefore(first, "Command shelf", "Domain hpc-controller", /create/), "it was fenced first");
    equal(await ghost.count(), written);
    deepEqual(await domains(b), ["shelves-hpc-controller", "shelves-hpc-n1", "shelves-hpc-n2"]);
    equal(await onController("cat /home/demo/kept"), "kept");
    equal(await jobOnBoth(), "hpc-n1 hpc-n2");
    deepEqual((await succeeds(site.operate("up"))).steps, []);
    equal(await nas.run(`ls ${path}/hosts`), "b");
  });

  it("is destroyed with a host that is lost, and leaves the folder to its owner", async () => {
    await succeeds(site.operate("destroy"));
    deepEqual(await site.state(), []);
    deepEqual(await domains(b), []);
    deepEqual(await exportsOfNas(), []);
    equal(await nas.run(`cat ${path}/.bramble-storage`), marker);
    equal((await b.run(["sh", "-c", "cat /proc/mounts"])).includes(folder), false);
  });

  function document({ clusters = true, controllerOn = "b", lost = "" }) {
    const board = (name: "a" | "b", last: number) => ({
      ...{ model: "pc", address: segment.address(last), hostKey: hostKeys[name].publicKey, accelerator },
      ...{ cores: 2, memory: "2560MiB", disk: "20GiB", storage: "shelf" },
    });
    return {
      network: { cidr: segment.cidr, gateway: segment.here },
      storage: { shelf: { server: "nas" } },
      boards: {
        a: { ...board("a", 2), ...(lost === "" ? {} : { lost }) },
        b: board("b", 3),
        nas: {
          ...{ model: "pc", role: "nfs-server", memory: "1GiB", address: segment.address(4) },
          hostKey: hostKeys.nas.publicKey,
        },
      },
      ...(clusters && {
        clusters: {
          hpc: {
            type: "slurm",
            controller: { host: controllerOn, address: segment.address(10), memory: "512MiB", data: "1GiB" },
            workers: {
              n: { count: 2, memory: "448MiB", addresses: `${segment.address(21)}-${segment.address(24)}` },
            },
            disposable: true,
          },
        },
      }),
      users: { demo: { uid: 2000 } },
    };
  }

  async function exportsOfNas(): Promise<string[]> {
    const table = await nas.run("cat /var/lib/nfs/etab");
    return table
      .split("\n")
      .flatMap((line) => /^\/srv\/bramble\/storage\t([0-9.]+)\(/.exec(line)?.[1] ?? [])
      .sort();
  }

  async function onController(command: string): Promise<string> {
    return (await succeeds(site.bramble(["ssh", "hpc-controller", command]))).stdout.trim();
  }

  async function jobOnBoth(): Promise<string> {
    const said = await onController('runuser -l demo -c "timeout 120 srun -N2 hostname"');
    return said.split("\n").sort().join(" ");
  }

  async function nextJob(): Promise<number> {
    return Number(await onController("runuser -l demo -c 'sbatch --parsable --wrap true'"));
  }
});

/** Runs on a host: folders that are this machine's too get their own, and the storage is mounted. */
const ownFolders = `set -e
for own in /etc/bramble /var/lib/bramble; do mount -t tmpfs -o mode=755 tmpfs "$own"; done
mkdir -p "$1"
mount --bind "$2" "$1"`;

/** A VM that is there for its disk. */
function probe(disk: string): string {
  return `<domain type='qemu'><name>probe</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>
  <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>`;
}
