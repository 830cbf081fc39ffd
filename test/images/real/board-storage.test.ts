import assert from "node:assert/strict";
import { mountsFile } from "../../../formats/bramble-mounts.ts";
import { type BoardRoot, makeBoardRoot } from "../support/board-root.ts";

const storage = "/usr/local/lib/bramble/storage";
const shelf = "/var/lib/bramble/storage/shelf";
const kept = `${shelf}/lab-1/hosts/pi1`;
const marker = "lab-1-shelf";
/** What a problem with it is noted under. */
const noted = "storage-var-lib-bramble-storage-shelf";

/**
 * Alpine's mount calls this for type nfs4. The kernel of the machine that runs the tests need have no NFS client: a
 * folder of the root stands in for what a server exports.
 */
const mountNfs4 = `#!/bin/sh
[ ! -e /srv/server-is-away ] || { echo "mount.nfs4: Connection timed out" >&2; exit 32; }
echo "$@" >>/run/mounted
exec mount --bind "/srv/\${1##*:/}" "$2"
`;

/** Stands in for OpenRC's command, which Alpine's mini root does not have; the real one is in openrc.test.ts. */
const rcService = `#!/bin/sh
echo "$IN_BACKGROUND $*" >/run/started
mkdir -p /run/openrc/started
: >"/run/openrc/started/$2"
`;

describe("a board's storage, mounted by the script of the image", () => {
  let board: BoardRoot;

  beforeEach(async () => {
    board = await makeBoardRoot("hypervisor");
    await board.write("/sbin/mount.nfs4", mountNfs4, 0o755);
    await board.write("/srv/export/.bramble-storage", `${marker}\n`);
    await board.write(
      "/etc/bramble/mounts",
      mountsFile([
        { kind: "nfs4", address: "10.20.0.6", path: "/export", folder: shelf, marker },
        { kind: "lasting", folder: kept },
      ]),
    );
    await board.write("/etc/libvirt/qemu/networks/default.xml", "<network/>\n");
    await board.write("/etc/libvirt/qemu/networks/autostart/default.xml", "<network/>\n");
  });
  afterEach(async () => await board.remove());

  const isReady = async () => (await board.read("/run/bramble/storage-ready")) !== undefined;
  const refuses = async (problem: RegExp) => {
    const { stdout } = await board.sh(`${storage} all; echo "$?"; grep -c ${shelf} /proc/mounts`);
    assert.deepEqual(stdout.split("\n").slice(0, 2), ["1", "0"], "nothing stays mounted");
    assert.match((await board.problem(noted)) ?? "", problem);
    assert.equal(await isReady(), false);
  };

  it("is ready at once where a board has none", async () => {
    await board.sh("rm /etc/bramble/mounts");
    assert.deepEqual(await board.sh(`${storage} all`), { code: 0, stdout: "", stderr: "" });
    assert.equal(await isReady(), true);
  });

  it("mounts it as the seed says", async () => {
    const { stdout } = await board.sh(`${storage} all; echo "$?"; cat ${shelf}/.bramble-storage`);
    assert.equal(stdout, `0\n${marker}\n`);
    assert.match((await board.read("/run/mounted")) ?? "", /^10\.20\.0\.6:\/export \S+ .*hard.*vers=4\.2/);
    assert.equal(await isReady(), true);
  });

  it("keeps what libvirt knows on it, through a reboot", async () => {
    const folders = [
      "/etc/libvirt/qemu",
      "/etc/libvirt/storage",
      "/etc/libvirt/secrets",
      "/var/lib/libvirt/qemu/nvram",
    ];
    const writes = folders.map((folder) => `echo kept >${folder}/own`).join("; ");
    assert.equal((await board.sh(`${storage} all && ${writes}`)).code, 0);
    for (const folder of folders)
      assert.equal(await board.read(`${folder}/own`), undefined, "the image's is untouched");
    // Each command is a boot here: its mounts are gone with it. What a boot has in memory goes too.
    const reads = folders.map((folder) => `cat ${folder}/own`).join("; ");
    const again = await board.sh(`rm -r /run/bramble; ${storage} all && { ${reads}; ls /etc/libvirt/qemu/networks; }`);
    assert.equal(again.stdout, "kept\nkept\nkept\nkept\nautostart\ndefault.xml\n");
  });

  it("does not begin again with half of what is to be kept", async () => {
    await board.write(`/srv/export/lab-1/hosts/pi1/etc-libvirt-qemu.new/half`, "");
    const { stdout } = await board.sh(`${storage} all && ls /etc/libvirt/qemu`);
    assert.equal(stdout, "networks\n");
  });

  it("takes the start mark from libvirt's own network, and from no other", async () => {
    await board.sh(`${storage} all && echo own >/etc/libvirt/qemu/networks/autostart/default.xml`);
    assert.equal(await board.read("/etc/libvirt/qemu/networks/autostart/default.xml"), undefined);
    const { stdout } = await board.sh(`${storage} all && ${storage} all && cat /etc/libvirt/qemu/networks/autostart/*`);
    assert.equal(stdout, "own\n");
  });

  it("mounts nothing that has no marker, as the empty folder of a server that lost its disk", async () => {
    await board.sh("rm /srv/export/.bramble-storage");
    await refuses(/shelf is not the storage that it should be: it has no \.bramble-storage\. VMs on it do not start/);
  });

  it("mounts no storage of another site", async () => {
    await board.write("/srv/export/.bramble-storage", "other-9-shelf\n");
    await refuses(/another storage than it should be: its \.bramble-storage says other-9-shelf/);
  });

  it("says what is wrong while the server is away", async () => {
    await board.write("/srv/server-is-away", "");
    await refuses(/10\.20\.0\.6:\/export cannot be mounted .*Connection timed out/);
  });

  it("mounts what is there though another one is away", async () => {
    const mounts = (await board.read("/etc/bramble/mounts")) ?? "";
    await board.write("/etc/bramble/mounts", `ext4 /dev/disk/by-id/absent /var/lib/bramble/drive noatime -\n${mounts}`);
    const { stdout } = await board.sh(`${storage} all; echo "$?"; cat ${shelf}/.bramble-storage`);
    assert.equal(stdout, `1\n${marker}\n`);
    assert.match((await board.problem("storage-var-lib-bramble-drive")) ?? "", /by-id\/absent cannot be mounted on/);
    assert.equal(await board.problem(noted), undefined);
  });

  it("waits for a server that comes back, then lets libvirt start", async () => {
    await board.write("/srv/server-is-away", "");
    await board.write("/sbin/rc-service", rcService, 0o755);
    const { stdout } = await board.sh(`
      BRAMBLE_STORAGE_PAUSE=0.1 ${storage} until-there &
      until [ -e /run/bramble/problems/${noted} ]; do sleep 0.1; done
      rm /srv/server-is-away
      wait
      cat ${shelf}/.bramble-storage; ls /run/bramble/problems`);
    assert.equal(stdout, `${marker}\n`);
    assert.equal(await board.read("/run/started"), "yes --quiet bramble-storage start\n");
    assert.equal(await isReady(), true);
  });

  it("keeps nothing in memory where it should outlive a reboot", async () => {
    await board.write("/etc/bramble/mounts", "lasting /srv/elsewhere\n");
    assert.equal((await board.sh(`${storage} all`)).code, 1);
    assert.match((await board.problem("storage")) ?? "", /is in no mount of \/etc\/bramble\/mounts/);
  });

  it("does not wait for ever for a server that is gone", async () => {
    // Who reads a pipe that nobody writes to waits like one whose server is gone.
    const { stdout } = await board.sh(`
      ${storage} all; rm /srv/export/.bramble-storage; mkfifo /srv/export/.bramble-storage; ${storage} check`);
    assert.equal(stdout, `${shelf} does not answer\n`);
  });

  it("finds a server that has nothing any more, or another one, on what is mounted", async () => {
    const { stdout } = await board.sh(`
      ${storage} all; ${storage} check; echo --
      rm /srv/export/.bramble-storage; ${storage} check; echo --
      umount ${shelf} 2>/dev/null || umount -l ${shelf}; ${storage} check`);
    const [right, unmarked, unmounted] = stdout.split("--\n");
    assert.equal(right, "");
    assert.match(unmarked ?? "", /has no \.bramble-storage/);
    assert.equal(unmounted, `${shelf} is not mounted\n`);
  });
});
