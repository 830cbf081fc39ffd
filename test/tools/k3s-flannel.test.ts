import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../tools/lib/paths.ts";

const network = {
  cniVersion: "1.0.0",
  name: "cbr0",
  type: "flannel",
  delegate: { hairpinMode: true, forceAddress: true, isDefaultGateway: true },
};

describe("the network plugin flannel of a k3s that was built here", () => {
  let folder: string;
  const call = (command: string, id: string, input: unknown = network) => {
    const environment = { PATH: process.env.PATH, CNI_COMMAND: command, CNI_CONTAINERID: id };
    return spawnSync(join(folder, "cni/flannel"), { input: JSON.stringify(input), env: environment, encoding: "utf8" });
  };
  const delegated = (): unknown => JSON.parse(readFileSync(join(folder, "delegated"), "utf8"));

  before(function () {
    // The guest image has it; nothing else on a machine that runs Bramble needs it.
    if (spawnSync("jq", ["--version"]).status === 0) return;
    if (process.env.CI === "true") throw new Error("jq is missing");
    this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bramble-flannel-"));
    mkdirSync(join(folder, "cni"));
    // The same script, but with the folders of the system below the test's own.
    const script = join(folder, "cni/flannel");
    copyFileSync(join(projectRoot, "engine/k3s/programs/flannel"), script);
    const text = readFileSync(script, "utf8").replaceAll("/run/flannel", `${folder}/run`);
    writeFileSync(script, text.replaceAll("/var/lib/cni", `${folder}/kept`));
    mkdirSync(join(folder, "run"));
    const lines = ["NETWORK=10.42.0.0/16", "SUBNET=10.42.1.1/24", "MTU=1450", "IPMASQ=true"];
    writeFileSync(join(folder, "run/subnet.env"), lines.map((line) => `FLANNEL_${line}\n`).join(""));
    writeFileSync(join(folder, "cni/bridge"), `#!/bin/sh\necho "did $CNI_COMMAND"\ncat > ${folder}/delegated\n`);
    chmodSync(join(folder, "cni/bridge"), 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("hands bridge a configuration with the node's own range", () => {
    assert.equal(call("ADD", "c1").stdout, "did ADD\n");
    assert.deepEqual(delegated(), {
      type: "bridge",
      isGateway: true,
      mtu: 1450,
      ipMasq: false,
      hairpinMode: true,
      forceAddress: true,
      isDefaultGateway: true,
      name: "cbr0",
      cniVersion: "1.0.0",
      ipam: { type: "host-local", ranges: [[{ subnet: "10.42.1.0/24" }]], routes: [{ dst: "10.42.0.0/16" }] },
    });
  });

  it("names the range of a node as it is, whatever its length", () => {
    for (const [subnet, range] of [
      ["10.42.7.129/25", "10.42.7.128/25"],
      ["10.42.9.1/22", "10.42.8.0/22"],
      ["10.42.0.1/16", "10.42.0.0/16"],
    ] as const) {
      const text = readFileSync(join(folder, "run/subnet.env"), "utf8");
      writeFileSync(join(folder, "run/subnet.env"), text.replace(/SUBNET=.*/, `SUBNET=${subnet}`));
      assert.equal(call("ADD", "c1").stdout, "did ADD\n");
      assert.deepEqual((delegated() as { ipam: { ranges: unknown } }).ipam.ranges, [[{ subnet: range }]]);
    }
  });

  it("gives back an address with what it was given by, once", () => {
    call("ADD", "c1");
    const added = delegated();
    rmSync(join(folder, "run/subnet.env"));
    assert.equal(call("DEL", "c1").stdout, "did DEL\n");
    assert.deepEqual(delegated(), added);
    const again = call("DEL", "c1");
    assert.deepEqual([again.status, again.stdout], [0, ""]);
  });

  it("checks with the earlier result that only the caller knows", () => {
    call("ADD", "c1");
    assert.equal(call("CHECK", "c1", { ...network, prevResult: { ips: [] } }).stdout, "did CHECK\n");
    assert.deepEqual((delegated() as { prevResult: unknown }).prevResult, { ips: [] });
  });

  it("says which versions it speaks", () => {
    assert.match(call("VERSION", "").stdout, /"supportedVersions": \[.*"1\.0\.0"\]/);
  });

  it("says why it can't, in the words of its protocol", () => {
    rmSync(join(folder, "run/subnet.env"));
    for (const [id, why] of [
      ["c1", /subnet\.env is missing/],
      ["../c1", /is no container's id/],
    ] as const) {
      const { status, stdout } = call("ADD", id);
      assert.equal(status, 1);
      assert.match((JSON.parse(stdout) as { msg: string }).msg, why);
    }
  });
});
