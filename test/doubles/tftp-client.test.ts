import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { dnsmasqProgram } from "./dnsmasq.ts";
import { bytes } from "./pi-bootloader/samples.ts";
import { tftpProbe, tftpRead } from "./tftp-client.ts";
import { serveFolder, type TftpFolder } from "./tftp-folder.ts";
import { startPlainTftpServer } from "./tftp-server.ts";
import { badCable } from "./udp-channel.ts";

const usual = { blockSize: 1468, fileTimeout: 30_000 };

describe("the TFTP client, against dnsmasq,", function () {
  this.timeout(60_000);
  let served: TftpFolder;

  before(async function () {
    if (process.getuid?.() !== 0 || !existsSync(dnsmasqProgram)) return this.skip();
    served = await serveFolder();
  });
  after(() => served?.remove());

  for (const length of [0, 1, 1467, 1468, 1469, 2 * 1468, 1_000_000]) {
    it(`reads a file of ${length} bytes`, async () => {
      await served.publish("", { file: bytes(length, "x") });
      const answer = await tftpRead(served.dnsmasq, "file", usual);
      deepEqual(answer, { kind: "found", options: true, bytes: bytes(length, "x") });
    });
  }

  it("learns of a file and its size without reading it", async () => {
    await served.publish("", { large: bytes(1_000_000, "x") });
    deepEqual(await tftpProbe(served.dnsmasq, "large", usual), { kind: "found", options: true, size: 1_000_000 });
  });

  it("tells a missing file from one that the server may not read", async () => {
    await served.publish("", { secret: "x" });
    await chmod(join(served.root, "secret"), 0o600);
    const [missing, secret] = [
      await tftpRead(served.dnsmasq, "missing", usual),
      await tftpProbe(served.dnsmasq, "secret", usual),
    ];
    deepEqual([missing.kind, secret.kind], ["missing", "refused"]);
  });

  it("goes on after block 65,535, and without that never gets to the end of a longer file", async () => {
    const long = bytes(8 * 65_536 + 3, "long");
    await served.publish("", { long });
    deepEqual(await tftpRead(served.dnsmasq, "long", { ...usual, blockSize: 8 }), {
      kind: "found",
      options: true,
      bytes: long,
    });
    const old = { blockSize: 8, rollsOver: false, fileTimeout: 5000 };
    deepEqual(await tftpRead(served.dnsmasq, "long", old), { kind: "timeout" });
  });

  it("gives up on a server that is not there when the file's time is over", async () => {
    const started = performance.now();
    deepEqual(await tftpProbe({ address: "127.0.0.1", port: 9 }, "file", { ...usual, fileTimeout: 300 }), {
      kind: "timeout",
    });
    ok(performance.now() - started < 2000);
  });

  it("takes the first of two transfers when its request was doubled", async () => {
    await served.publish("", { file: bytes(5000, "x") });
    const answer = await tftpRead(served.dnsmasq, "file", { ...usual, channel: badCable({ seed: 1, duplicates: 1 }) });
    equal(answer.kind === "found" && answer.bytes.equals(bytes(5000, "x")), true);
  });

  it("reads from a server that answers no options in blocks of 512 bytes", async () => {
    const plain = await startPlainTftpServer(new Map([["file", bytes(1024, "x")]]), { answersOptions: false });
    try {
      deepEqual(await tftpRead(plain, "file", usual), { kind: "found", options: false, bytes: bytes(1024, "x") });
      deepEqual(await tftpProbe(plain, "file", usual), { kind: "found", options: false });
    } finally {
      await plain.stop();
    }
  });
});
