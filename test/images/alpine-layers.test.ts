import assert from "node:assert/strict";
import { type OverlayFile, renderSystem } from "../../formats/alpine-system.ts";
import { boardLayers, boardRoles } from "../../images/alpine/layers.ts";
import { sampleFacts, sampleRelease } from "./support/sample-facts.ts";

describe("the image of a board", () => {
  for (const role of boardRoles) {
    it(`is rendered for a ${role}, on both architectures and twice the same`, () => {
      const ids = (["aarch64", "x86_64"] as const).map((arch) => {
        const render = () => renderSystem(boardLayers(role, sampleFacts), { arch, released: sampleRelease }).id;
        assert.equal(render(), render());
        return render();
      });
      assert.notEqual(ids[0], ids[1]);
    });
  }

  it("names its layers after what they are for", () => {
    const names = boardLayers("worker", sampleFacts).map(({ name }) => name);
    assert.deepEqual(names, ["base", "role worker"]);
  });

  it("lets root in by key and by the site's CA, and nobody by password", () => {
    const { files } = rendered("hypervisor");
    assert.equal(files.get("root/.ssh/authorized_keys")?.text, `${sampleFacts.authorizedKeys[0]}\n`);
    assert.equal(files.get("etc/ssh/bramble-user-ca.pub")?.text, `${sampleFacts.userCa}\n`);
    const sshd = files.get("etc/ssh/sshd_config.d/10-bramble.conf")?.text ?? "";
    assert.match(sshd, /^PasswordAuthentication no$/m);
    assert.match(sshd, /^TrustedUserCAKeys \/etc\/ssh\/bramble-user-ca\.pub$/m);
    for (const line of (files.get("etc/shadow")?.text ?? "").trim().split("\n")) assert.match(line, /^[a-z]+:\*:/);
  });

  it("makes no host key, and starts no sshd without one", () => {
    const sshd = rendered("worker").files.get("etc/conf.d/sshd")?.text ?? "";
    assert.match(sshd, /^sshd_disable_keygen="yes"$/m);
    assert.match(sshd, /^rc_need="bramble-identity"$/m);
  });

  it("has a bridge with the card in it, which is named in one place", () => {
    const { files } = rendered("hypervisor", { bridge: "lan0" });
    const interfaces = files.get("etc/network/interfaces")?.text ?? "";
    assert.match(interfaces, /^auto lan0\niface lan0 inet dhcp\n\tpre-up \S+\/bridge lan0 eth0$/m);
    assert.throws(() => rendered("hypervisor", { bridge: "br0\nup reboot" }), /bridge: .* cannot be used/);
  });

  it("has the site's name servers, which DHCP leaves alone, or those of DHCP", () => {
    const { files } = rendered("worker", { dns: ["192.0.2.1", "192.0.2.53"] });
    assert.equal(files.get("etc/resolv.conf")?.text, "nameserver 192.0.2.1\nnameserver 192.0.2.53\n");
    assert.equal(files.get("etc/udhcpc/udhcpc.conf")?.text, "RESOLV_CONF=no\n");
    assert.equal(rendered("worker").files.get("etc/resolv.conf"), undefined);
    assert.throws(() => rendered("worker", { dns: ["dns.lan"] }), /dns\.0: "dns\.lan" is not an IPv4 address/);
  });

  it("asks the site's time servers, steps a clock that is years off, and does not wait for ever", () => {
    const { files } = rendered("worker");
    const chrony = files.get("etc/chrony/chrony.conf")?.text ?? "";
    assert.match(chrony, /^server 192\.0\.2\.2 iburst$/m);
    assert.match(chrony, /^makestep 1 -1$/m);
    assert.equal(/^FAST_STARTUP="yes"$/m.test(files.get("etc/conf.d/chronyd")?.text ?? ""), true);
  });

  it("starts libvirt and the NFS server only with their storage", () => {
    assert.match(rendered("hypervisor").files.get("etc/conf.d/libvirtd")?.text ?? "", /^rc_need="bramble-storage"$/m);
    const nfsd = rendered("nfs-server").files.get("etc/init.d/bramble-nfsd")?.text ?? "";
    assert.match(nfsd, /need net bramble-storage/);
  });

  it("has no service of version 3 of NFS, nor libvirt's own DHCP server", () => {
    for (const role of boardRoles) {
      const links = rendered(role).links;
      for (const name of ["rpcbind", "rpc.statd", "nfs", "nfsmount", "netmount", "dnsmasq"])
        assert.ok(!links.includes(`etc/runlevels/default/${name}`), `${role}: ${name}`);
    }
    assert.match(rendered("nfs-server").files.get("etc/nfs.conf")?.text ?? "", /^vers3=n$/m);
  });
});

function rendered(role: (typeof boardRoles)[number], changed: Partial<typeof sampleFacts> = {}) {
  const layers = boardLayers(role, { ...sampleFacts, ...changed });
  const { entries } = renderSystem(layers, { arch: "aarch64", released: sampleRelease });
  const isFile = (entry: (typeof entries)[number]): entry is OverlayFile => entry.kind === "file";
  return {
    files: new Map(entries.filter(isFile).map((file) => [file.path, file])),
    links: entries.filter(({ kind }) => kind === "link").map(({ path }) => path),
  };
}
