import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { makeAlpineRoot } from "../../doubles/alpine-root.ts";

const script = fileURLToPath(
  new URL("../../../images/alpine/files/hypervisor/usr/local/lib/bramble/bridge", import.meta.url),
);

describe("a hypervisor's bridge, made by the script of the image with Alpine's own ip", () => {
  it("takes the card's place on the network, with its MAC, at once and again", async () => {
    const root = await makeAlpineRoot();
    try {
      await copyFile(script, `${root.path}/bridge`);
      const { stdout } = await root.run(["sh", "-ec", inside]);
      const [addresses = "", settings = "", macs = ""] = stdout.split("==\n");
      assert.equal(addresses, "", "the card's own address is gone");
      assert.equal(settings, "0\n0\nforwarding\n1\n");
      const [card, bridge] = macs.trim().split("\n");
      assert.match(card ?? "", /^[0-9a-f:]{17}$/);
      assert.equal(bridge, card);
    } finally {
      await root.remove();
    }
  });
});

/** Its network card is one end of a cable, as the initial RAM disk leaves it; the kernel calls the other end veth0. */
const inside = `
mount -t sysfs sysfs /sys
ip link add eth0 type veth
ip link set veth0 up
ip link set eth0 up
ip addr add 192.0.2.11/24 dev eth0
sh /bridge br0 eth0
sh /bridge br0 eth0
ip -4 addr show dev eth0 | grep inet || true
echo ==
cat /sys/class/net/br0/bridge/stp_state /sys/class/net/br0/bridge/forward_delay
state=$(cat /sys/class/net/br0/brif/eth0/state)
[ "$state" != 3 ] || echo forwarding
cat /sys/class/net/br0/carrier
echo ==
cat /sys/class/net/eth0/address /sys/class/net/br0/address`;
