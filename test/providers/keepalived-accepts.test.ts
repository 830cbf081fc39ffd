import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepalivedConf } from "../../formats/keepalived-conf.ts";

describe("keepalived", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "keepalived-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** It looks for the network interface, so it is asked in a network of its own. */
  function ask(text: string) {
    const file = join(folder, "keepalived.conf");
    writeFileSync(file, text);
    const script =
      'ip link add lan0 type veth peer name lan1 && ip link set lan0 up && exec keepalived --config-test --use-file "$1"';
    return spawnSync("unshare", ["--net", "sh", "-c", script, "sh", file], { encoding: "utf8" });
  }

  const text = keepalivedConf({
    name: "web-server1",
    interface: "lan0",
    address: "10.20.0.20",
    prefixLength: 24,
    self: "10.20.0.21",
    peers: ["10.20.0.22", "10.20.0.23"],
    check: "/bin/true",
    patience: { interval: 20, timeout: 15, fall: 3, rise: 1 },
  });

  it("accepts the configuration of a server", () => {
    const { status, stderr } = ask(text);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
  });

  it("would say if it did not", () => {
    const { status, stderr } = ask(text.replace("nopreempt", "nopreemt"));
    assert.notEqual(status, 0);
    assert.match(stderr, /Unknown keyword 'nopreemt'/);
  });
});
