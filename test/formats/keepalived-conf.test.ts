import assert from "node:assert/strict";
import { type KeepalivedConf, keepalivedConf } from "../../formats/keepalived-conf.ts";

const conf: KeepalivedConf = {
  name: "web-server1",
  interface: "lan0",
  address: "10.20.0.20",
  prefixLength: 24,
  self: "10.20.0.21",
  peers: ["10.20.0.22", "10.20.0.23"],
  check: "/usr/local/lib/bramble-k3s/well",
  patience: { interval: 20, timeout: 15, fall: 3, rise: 1 },
};

describe("keepalived-conf", () => {
  it("holds an address among named servers, and leaves it where it is well", () => {
    const written = keepalivedConf(conf);
    assert.match(written, /unicast_src_ip 10\.20\.0\.21\n {2}unicast_peer \{\n {4}10\.20\.0\.22\n {4}10\.20\.0\.23\n/);
    assert.match(written, /virtual_ipaddress \{\n {4}10\.20\.0\.20\/24 dev lan0\n/);
    assert.match(written, /state BACKUP\n {2}nopreempt\n/);
    assert.match(written, /script "\/usr\/local\/lib\/bramble-k3s\/well"\n {2}interval 20\n {2}timeout 15\n/);
  });

  it("never sends to the whole network, nor to itself", () => {
    assert.throws(() => keepalivedConf({ ...conf, peers: [] }), /peers: there are none/);
    assert.throws(() => keepalivedConf({ ...conf, peers: ["10.20.0.21"] }), /is this server itself/);
  });

  it("takes no value that could end its line, and names the field", () => {
    assert.throws(() => keepalivedConf({ ...conf, name: "a\n}" }), /^Error: name: "a\\n}" cannot stand/);
    assert.throws(() => keepalivedConf({ ...conf, interface: "lan0 }" }), /^Error: interface/);
    assert.throws(() => keepalivedConf({ ...conf, check: '/bin/true"' }), /^Error: check/);
    assert.throws(() => keepalivedConf({ ...conf, address: "10.20.0" }), /^Error: address/);
    assert.throws(() => keepalivedConf({ ...conf, patience: { ...conf.patience, timeout: 30 } }), /^Error: timeout/);
  });
});
