import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { until } from "../../../tools/lib/until.ts";
import { type PrivateMachine, startPrivateMachine } from "../../doubles/private-machine.ts";
import { type BoardRoot, makeBoardRoot } from "../support/board-root.ts";

/** The image's folder of libvirt. */
const files = fileURLToPath(new URL("../../../images/alpine/files/hypervisor/etc/libvirt", import.meta.url));
const hook = "hooks/qemu.d/bramble";
/** Of the machine, as a board makes it from its MAC. */
const machineId = "0123456789abcdef0123456789abcdef";
const shelf = "/run/shelf";
const marker = "lab-1-shelf";

describe("libvirt, asked to start a VM whose disk is on a storage", function () {
  this.timeout(120_000);
  let machine: PrivateMachine;

  before(async () => {
    machine = await startPrivateMachine({ name: "hook-host" });
    try {
      await sh(prepare);
      for (const name of [hook, "libvirtd.conf"])
        await sh(`cat >/etc/libvirt/${name}`, await readFile(`${files}/${name}`, "utf8"));
      await sh(`chmod 755 /etc/libvirt/${hook}`);
      await sh("virtlogd --daemon && libvirtd --daemon");
      await until("libvirt", async () => (await virsh("uri")).code === 0, { deadline: 60_000 });
      for (const [name, source] of Object.entries(disks)) {
        await sh("cat >/run/domain.xml", domain(name, source));
        assert.deepEqual(await virsh("define", "/run/domain.xml"), { code: 0, stderr: "" });
      }
      assert.equal((await virsh("pool-define-as", "shelf", "dir", "--target", shelf)).code, 0);
    } catch (error) {
      await machine.stop();
      throw error;
    }
  });
  after(async () => await machine.stop());

  /** The server's folder is mounted, with its own marker; then what a test changes. */
  beforeEach(async () => {
    await sh(`${unmount}
      cp -r /run/kept/. ${shelf}/
      rm -f /run/export/.bramble-storage
      printf '%s\\n' ${marker} >/run/export/.bramble-storage
      mount --bind /run/export ${shelf}`);
    // A pool that is not started fails by itself, before any hook.
    await virsh("pool-start", "shelf");
  });
  afterEach(async () => {
    for (const name of Object.keys(disks)) await virsh("destroy", name);
    await virsh("pool-destroy", "shelf");
  });

  const sh = async (script: string, input = "") => {
    const { code, stderr } = await machine.run(["sh", "-ec", script], { input });
    assert.equal(code, 0, stderr);
  };
  const virsh = async (...args: string[]) => {
    const { code, stderr } = await machine.run(["virsh", "-q", "-c", "qemu:///system", ...args]);
    return { code, stderr };
  };
  const starts = async (name: string) => {
    assert.deepEqual(await virsh("start", "--paused", name), { code: 0, stderr: "" });
  };
  const refuses = async (name: string, why: RegExp) => {
    const { code, stderr } = await virsh("start", "--paused", name);
    assert.notEqual(code, 0, `${name} has been started`);
    assert.match(stderr, why);
  };

  it("starts it on the storage that it should be", async () => {
    for (const name of Object.keys(disks)) await starts(name);
  });

  it("starts none on the folder where the storage should be mounted, though there is a disk of that name", async () => {
    await sh(unmount);
    for (const name of ["by-file", "by-pool", "odd-name"]) {
      await refuses(name, new RegExp(`${name} does not start: its disk is on /run/shelf, where nothing is mounted`));
    }
  });

  it("starts none on a storage without the marker, as that of a server which lost its disk", async () => {
    await sh("rm /run/export/.bramble-storage");
    await refuses("by-file", /is not the storage that it should be: it has no \.bramble-storage/);
    await refuses("by-pool", /it has no \.bramble-storage/);
  });

  it("starts none on another storage", async () => {
    await sh("echo lab-2-shelf >/run/export/.bramble-storage");
    await refuses(
      "by-file",
      /is another storage than it should be: \.bramble-storage says lab-2-shelf, not lab-1-shelf/,
    );
  });

  it("starts one whose disk is somewhere else in any case", async () => {
    await sh(unmount);
    await starts("elsewhere");
  });

  it("starts none on the storage of a server that does not answer", async () => {
    // Who reads a pipe that nobody writes to waits like one whose server is gone.
    await sh("rm /run/export/.bramble-storage; mkfifo /run/export/.bramble-storage");
    await refuses("by-file", /its disk is on \/run\/shelf, whose server does not answer/);
  });

  it("knows its host by the machine id, at each boot the same", async () => {
    const { stdout } = await machine.run(["virsh", "-c", "qemu:///system", "capabilities"]);
    assert.equal(/<uuid>(.*)<\/uuid>/.exec(stdout)?.[1]?.replaceAll("-", ""), machineId);
  });

  it("starts any where a host has no storage", async () => {
    await sh(`${unmount}; mv /etc/bramble/mounts /run/mounts`);
    try {
      await starts("by-file");
    } finally {
      await sh("mv /run/mounts /etc/bramble/mounts");
    }
  });
});

describe("libvirt's hook in Alpine's shell", () => {
  let board: BoardRoot;

  beforeEach(async () => {
    board = await makeBoardRoot("hypervisor");
    await board.write("/etc/bramble/mounts", `nfs4 10.20.0.6:/export ${shelf} hard,vers=4.2 ${marker}\n`);
    await board.write("/run/export/.bramble-storage", `${marker}\n`);
    await board.write("/run/libvirt/storage/shelf.xml", `<poolstate>\n<path>${shelf}</path>\n</poolstate>\n`);
    await board.sh(`mkdir -p ${shelf}`);
  });
  afterEach(async () => await board.remove());

  const asked = async (source: string, before = `mount --bind /run/export ${shelf}`, when = "prepare begin") => {
    await board.write("/run/domain.xml", `<domain type='qemu'>\n  <disk>\n    ${source}\n  </disk>\n</domain>\n`);
    const { code, stderr } = await board.sh(`${before}\n/etc/libvirt/${hook} vm1 ${when} - </run/domain.xml`);
    return { code, stderr: stderr.trim() };
  };

  for (const source of [
    `<source file='${shelf}/a.raw' index='1'/>`,
    `<source dev='${shelf}/a &amp; b'/>`,
    "<source pool='shelf' volume='a.raw' index='1'/>",
  ]) {
    it(`finds ${source}`, async () => {
      assert.deepEqual(await asked(source), { code: 0, stderr: "" });
      const unmounted = { code: 1, stderr: `vm1 does not start: its disk is on ${shelf}, where nothing is mounted` };
      assert.deepEqual(await asked(source, ":"), unmounted);
      const other = await asked(source, `echo x >/run/export/.bramble-storage; mount --bind /run/export ${shelf}`);
      assert.match(other.stderr, /says x, not lab-1-shelf/);
    });
  }

  it("says nothing to what is not on storage, and to other moments of a VM", async () => {
    assert.deepEqual(await asked(`<source file='${shelf}-2/a.raw'/>`, ":"), { code: 0, stderr: "" });
    assert.deepEqual(await asked(`<source file='${shelf}/a.raw'/>`, ":", "started begin"), { code: 0, stderr: "" });
  });
});

const unmount = `if mountpoint -q ${shelf}; then umount ${shelf}; fi`;

/** The machine shares /etc with this one: a layer of its own is laid over it, for /etc/bramble. */
const prepare = `
cp -a /etc/libvirt /run/libvirt-etc
mkdir -p /run/etc/upper /run/etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
mount --bind /run/libvirt-etc /etc/libvirt
echo ${machineId} >/etc/machine-id
mkdir -p /etc/libvirt/hooks/qemu.d /etc/bramble ${shelf} /run/export /run/kept /run/elsewhere
cat >/etc/bramble/mounts <<MOUNTS
# of the test
nfs4 10.20.0.6:/export ${shelf} hard,vers=4.2 ${marker}
lasting ${shelf}/hosts/one
MOUNTS
for folder in export kept elsewhere; do
  for name in by-file.raw by-pool.raw "odd ' & name.raw"; do truncate -s 1M "/run/$folder/$name"; done
done`;

const disks: Readonly<Record<string, string>> = {
  "by-file": `<disk type="file" device="disk"><source file="${shelf}/by-file.raw"/>`,
  "by-pool": `<disk type="volume" device="disk"><source pool="shelf" volume="by-pool.raw"/>`,
  "odd-name": `<disk type="file" device="disk"><source file="${shelf}/odd ' &amp; name.raw"/>`,
  elsewhere: `<disk type="file" device="disk"><source file="/run/elsewhere/by-file.raw"/>`,
};

function domain(name: string, source: string): string {
  return `<domain type="qemu">
  <name>${name}</name>
  <memory unit="MiB">32</memory>
  <os><type>hvm</type></os>
  <devices>${source}<driver name="qemu" type="raw"/><target dev="vda"/></disk></devices>
</domain>
`;
}
