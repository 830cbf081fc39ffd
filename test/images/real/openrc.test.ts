import assert from "node:assert/strict";
import { makeOpenrcRoot, type OpenrcRoot } from "../support/openrc-root.ts";

describe("a hypervisor's services under OpenRC", function () {
  this.timeout(300_000);
  let host: OpenrcRoot;

  beforeEach(async () => {
    host = await makeOpenrcRoot("hypervisor");
  });
  afterEach(async () => await host.remove());

  it("start in an order in which each has what it needs", async () => {
    const said = await host.boot("cat /run/order; ls -A /run/openrc/inactive /run/openrc/failed");
    const order = said.split("\n");
    for (const later of ["hostname", "networking", "sysctl", "tiny-cloud-boot"]) comesBefore(order, "seed", later);
    comesBefore(order, "machine-identity", "seed");
    comesBefore(order, "modloop", "seed");
    comesBefore(order, "networking", "identity now");
    comesBefore(order, "identity now", "sshd");
    comesBefore(order, "sshd", "time");
    comesBefore(order, "chronyd", "time");
    comesBefore(order, "time", "storage until-there");
    comesBefore(order, "storage until-there", "libvirtd");
    comesBefore(order, "libvirtd", "libvirt-guests");
    assert.deepEqual(order.slice(-5), ["report", "/run/openrc/failed:", "", "/run/openrc/inactive:", ""]);
  });

  it("go on without the key and without the storage, and start what waits when they come", async () => {
    const comes = (name: string, file: string) => `
      [ "$1" != now ] || exit 1
      until [ -e /run/comes ]; do sleep 0.1; done
      ${file}
      . /usr/local/lib/bramble/common
      start_inactive bramble-${name}`;
    await host.script("identity", comes("identity", "mkdir -p /etc/ssh; echo key >/etc/ssh/ssh_host_ed25519_key"));
    await host.script("storage", comes("storage", ": >/run/bramble/storage-ready"));
    const said = await host.boot(`
      cat /run/order; ls /run/openrc/inactive; echo ==
      : >/run/comes
      all_started() { for name in sshd libvirtd libvirt-guests; do [ -e /run/openrc/started/$name ] || return 1; done; }
      for look in $(seq 300); do all_started && break; sleep 0.1; done
      tail -n 3 /run/order | sort; ls -A /run/openrc/inactive
      for name in identity storage; do rc-service bramble-$name status; done`);
    const [atBoot = "", later = ""] = said.split("==\n");
    for (const name of ["report", "networking", "local"]) assert.match(atBoot, new RegExp(`^${name}$`, "m"));
    for (const name of ["sshd", "libvirtd", "libvirt-guests"])
      assert.doesNotMatch(atBoot, new RegExp(`^${name}$`, "m"));
    assert.match(atBoot, /^bramble-identity\nbramble-storage\n$/m);
    assert.equal(later, "libvirt-guests\nlibvirtd\nsshd\n * status: started\n * status: started\n");
  });

  it("say while they start that the boot is not finished, where the report looks for it", async () => {
    const said = await host.boot("ls /run/is-starting; ls -d /run/openrc/rc.starting 2>&1 || true");
    assert.match(said, /^\/run\/is-starting\n/);
    assert.match(said, /cannot access '\/run\/openrc\/rc\.starting'/);
  });

  it("stop VMs before libvirt, and libvirt before the network", async () => {
    const order = (await host.boot("openrc shutdown >/dev/null; cat /run/order")).split("\n");
    comesBefore(order, "-libvirt-guests", "-libvirtd");
    comesBefore(order, "-libvirtd", "-networking");
  });
});

describe("an NFS server's services under OpenRC", function () {
  this.timeout(300_000);
  let host: OpenrcRoot;

  beforeEach(async () => {
    host = await makeOpenrcRoot("nfs-server");
    for (const name of [
      "sbin/exportfs",
      "sbin/rpc.mountd",
      "sbin/rpc.nfsd",
      "sbin/nfsdcld",
      "sbin/modprobe",
      "bin/mount",
    ]) {
      await host.write(`/usr/${name}`, `#!/bin/sh\necho "\${0##*/} $*" >>/run/order\n`, 0o755);
    }
  });
  afterEach(async () => await host.remove());

  /** The programs stand in: the kernel of the machine that runs the tests need have no NFS server. */
  it("serve version 4 when the storage is there, and no daemon of version 3", async () => {
    const order = (await host.boot("cat /run/order; ls /run/openrc/started /run/openrc/failed")).split("\n");
    comesBefore(order, "storage until-there", "modprobe -q nfsd");
    comesBefore(order, "modprobe -q nfsd", "mount -t nfsd -o nodev,noexec,nosuid nfsd /proc/fs/nfsd");
    const ours = order.filter((line) => /^(exportfs|rpc|nfsdcld)/.test(line)).map((line) => line.trim());
    assert.deepEqual(ours, ["nfsdcld", "exportfs -r", "rpc.mountd", "rpc.nfsd"]);
    assert.ok(order.includes("bramble-nfsd"));
    assert.equal(order.indexOf("/run/openrc/failed:"), order.lastIndexOf("/run/openrc/failed:"));
  });

  it("serve nothing of an empty mount point", async () => {
    await host.script("storage", "exec sleep 600");
    const said = await host.boot("cat /run/order; ls /run/openrc/inactive");
    assert.doesNotMatch(said, /exportfs|rpc\./);
    assert.match(said, /^bramble-storage$/m);
  });

  it("read changed exports again without an interruption", async () => {
    const said = await host.boot(": >/run/order; rc-service bramble-nfsd reload >/dev/null; cat /run/order");
    assert.equal(said, "exportfs -r\n");
  });
});

function comesBefore(order: readonly string[], first: string, second: string): void {
  assert.ok(order.includes(first) && order.includes(second), `${first} and ${second} in ${order.join(" ")}`);
  assert.ok(order.indexOf(first) < order.indexOf(second), `${first} before ${second} in ${order.join(" ")}`);
}
