import assert from "node:assert/strict";
import { parse } from "yaml";
import { k3sConfigFile } from "../../formats/k3s-config.ts";
import { registriesFile } from "../../formats/k3s-registries.ts";
import { k3sConfig } from "../../site/schema-k3s-config.ts";

describe("k3s-config", () => {
  it("writes config.yaml in one order", () => {
    const written = k3sConfigFile("server", {
      "token-file": "/etc/rancher/k3s/token",
      "node-ip": "10.20.0.21",
      "cluster-init": true,
      "etcd-snapshot-retention": 5,
      disable: ["traefik", "servicelb"],
      "write-kubeconfig-mode": "0600",
    });
    assert.equal(
      written,
      `# Written by Bramble; changes are overwritten.
cluster-init: true
disable:
  - traefik
  - servicelb
etcd-snapshot-retention: 5
node-ip:
  - 10.20.0.21
token-file: /etc/rancher/k3s/token
write-kubeconfig-mode: "0600"
`,
    );
  });

  it("reads back as what was given, whatever stands in a value", () => {
    const settings = { "node-label": ["a=true", "b=1e3", "c="], "node-name": "no", "resolv-conf": "/x: #y" };
    assert.deepEqual(parse(k3sConfigFile("agent", settings), { version: "1.1" }), settings);
  });

  it("knows every key that a site file may have", () => {
    const samples = { text: "x", list: ["v=2"], flag: true, number: 5 };
    for (const role of ["server", "agent"] as const) {
      const { shape } = role === "server" ? k3sConfig.servers : k3sConfig.agents;
      assert.ok(Object.keys(shape).length > 4);
      for (const key of Object.keys(shape)) {
        const fits = Object.values(samples).filter((sample) => accepts(role, key, sample));
        assert.notEqual(fits.length, 0, `${role} ${key}`);
      }
    }
  });

  it("refuses keys that k3s does not know, and values of another kind, naming the key", () => {
    assert.throws(() => k3sConfigFile("server", { tokn: "x" }), /k3s server has no key "tokn"/);
    assert.throws(() => k3sConfigFile("agent", { "cluster-init": true }), /k3s agent has no key "cluster-init"/);
    assert.throws(() => k3sConfigFile("agent", { constructor: "x" }), /no key "constructor"/);
    assert.throws(() => k3sConfigFile("agent", { "node-name": ["a"] }), /node-name is \["a"\], and should be one line/);
    assert.throws(() => k3sConfigFile("agent", { "node-name": "a\nb: c" }), /should be one line of text/);
    assert.throws(() => k3sConfigFile("server", { "cluster-init": "yes" }), /should be true or false/);
    assert.throws(() => k3sConfigFile("server", { "etcd-snapshot-retention": 1.5 }), /should be a whole number/);
  });

  function accepts(role: "server" | "agent", key: string, value: string | boolean | number | string[]): boolean {
    try {
      k3sConfigFile(role, { [key]: value });
      return true;
    } catch (error) {
      assert.match(String(error), /should be/);
      return false;
    }
  }
});

describe("registries.yaml", () => {
  it("has mirrors and registries in one order, and leaves out what is not said", () => {
    const written = registriesFile({
      mirrors: {
        "docker.io": { endpoint: ["https://r.example.org"], rewrite: { "^library/(.*)": "mirror/$1" } },
        "*": { endpoint: ["http://10.20.0.5:5000"], rewrite: undefined },
      },
      configs: { "r.example.org": { tls: { ca_file: "/etc/ssl/certs/r.pem" } } },
    });
    assert.equal(
      written,
      `# Written by Bramble; changes are overwritten.
mirrors:
  "*":
    endpoint:
      - http://10.20.0.5:5000
  docker.io:
    endpoint:
      - https://r.example.org
    rewrite:
      ^library/(.*): mirror/$1
configs:
  r.example.org:
    tls:
      ca_file: /etc/ssl/certs/r.pem
`,
    );
  });
});
