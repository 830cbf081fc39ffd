import assert from "node:assert/strict";
import { parse } from "yaml";
import { nocloudFiles } from "../../formats/nocloud.ts";

const seed = {
  hostname: "physics-n1",
  instanceId: "5d3c-1",
  hostKey: { privateKey: "-----BEGIN\nkey\n-----END\n", publicKey: "ssh-ed25519 AAAA" },
  authorizedKeys: ["ssh-ed25519 BBBB"],
  network: { mac: "52:54:00:12:34:56", address: "10.20.0.101/24", gateway: "10.20.0.1", dns: ["10.20.0.1"] },
};

describe("nocloud", () => {
  it("gives the guest its name, its host key and the one key that may log in", () => {
    const { userData } = nocloudFiles(seed);
    assert.equal(userData.split("\n")[0], "#cloud-config");
    const config = parse(userData);
    assert.equal(config.hostname, "physics-n1");
    assert.deepEqual(config.ssh_keys, {
      ed25519_private: seed.hostKey.privateKey,
      ed25519_public: seed.hostKey.publicKey,
    });
    assert.deepEqual(config.users, [{ name: "root", lock_passwd: true, ssh_authorized_keys: ["ssh-ed25519 BBBB"] }]);
    assert.equal(config.ssh_pwauth, false);
  });

  it("keeps what is secret out of the parts that anyone may read", () => {
    const { metaData, networkConfig } = nocloudFiles(seed);
    assert.ok(!metaData.includes("BEGIN"));
    assert.ok(!networkConfig.includes("BEGIN"));
  });

  it("configures the interface by its MAC address, quoted, since YAML 1.1 reads some as numbers", () => {
    assert.equal(
      nocloudFiles(seed).networkConfig,
      `version: 2
ethernets:
  lan:
    match:
      macaddress: "52:54:00:12:34:56"
    addresses:
      - 10.20.0.101/24
    routes:
      - to: 0.0.0.0/0
        via: 10.20.0.1
    nameservers:
      addresses:
        - 10.20.0.1
`,
    );
  });

  it("leaves out gateway and name servers where a network has none", () => {
    const { networkConfig } = nocloudFiles({
      ...seed,
      network: { mac: seed.network.mac, address: seed.network.address, dns: [] },
    });
    assert.deepEqual(parse(networkConfig).ethernets.lan, {
      match: { macaddress: seed.network.mac },
      addresses: ["10.20.0.101/24"],
    });
  });
});
