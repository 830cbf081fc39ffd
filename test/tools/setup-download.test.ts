import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { downloadText, findChecksum, reachability } from "../../tools/lib/download.ts";
import { unpackRelease } from "../../tools/setup/vendor.ts";
import { makeFolder, removeFolder } from "./setup-project.ts";

let project: string;

describe("bramble setup's downloads", () => {
  beforeEach(async () => {
    project = await makeFolder();
  });

  afterEach(() => removeFolder(project));

  describe("a download", function () {
    this.timeout(60_000);

    it("gives up within seconds on a host that takes the connection and says nothing, and asks it only once", async () => {
      let connections = 0;
      const silent = createServer(() => {
        connections += 1;
      }).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const reach = reachability();
      const begin = Date.now();
      const host = `https://127.0.0.1:${port}`;
      const answers = await Promise.allSettled([reach(host), reach(host)]);
      for (const answer of answers)
        assert.match(String(answer.status === "rejected" && answer.reason), /does not answer/);
      assert.ok(Date.now() - begin < 6000, `took ${Date.now() - begin} ms`);
      assert.equal(connections, 1);
      silent.close();
    });

    it("gives up on an address that leads nowhere", async () => {
      await assert.rejects(reachability()("https://192.0.2.1"), /192\.0\.2\.1/); // TEST-NET-1, RFC 5737
    });

    it("names the host and the reason when there is no such host", async () => {
      await assert.rejects(downloadText("https://nothing.invalid/file"), /nothing\.invalid cannot be reached: /);
    });

    it("is unpacked when it hashes to what is published beside it, and refused otherwise", async () => {
      await mkdir(`${project}/files/pulumi`, { recursive: true });
      await writeFile(`${project}/files/pulumi/program`, "program");
      execFileSync("tar", ["-czf", `${project}/files/a.tar.gz`, "-C", `${project}/files`, "pulumi"]);
      const archive = await readFile(`${project}/files/a.tar.gz`);
      const sum = createHash("sha256").update(archive).digest("hex");
      const server = createHttpServer((request, response) => {
        if (request.url === "/good/sums") response.end(`${sum}  a.tar.gz\n`);
        else if (request.url === "/bad/sums") response.end(`${"0".repeat(64)}  a.tar.gz\n`);
        else if (request.url?.endsWith("/a.tar.gz")) response.end(archive);
        else response.writeHead(404).end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const shop = {
        reach: reachability(),
        signal: new AbortController().signal,
        say: () => {},
        makeTemp: (purpose: string) => mkdtemp(`${project}/${purpose}-`),
      };
      const fetchFrom = (...paths: string[]) => {
        const addresses = paths.map((path) => ({ url: `${base}${path}`, checksums: "sums" }));
        return unpackRelease({ archive: "a.tar.gz", addresses, strip: 1 }, `${project}/unpacked`, shop);
      };
      await assert.rejects(fetchFrom("/bad"), /not what its maker published: SHA-256/);
      assert.ok(!(await readdir(project)).includes("unpacked"));
      assert.match(await fetchFrom("/bad", "/good"), /good.*SHA-256 checked/);
      assert.equal(await readFile(`${project}/unpacked/program`, "utf8"), "program");
      assert.match(await fetchFrom("/elsewhere"), /without a published checksum/);
      server.close();
    });

    it("takes the checksum of exactly the archive that is asked for", () => {
      const [a, b] = ["a".repeat(64), "b".repeat(64)];
      const text = `${a}  pulumi-v1-linux-x64.tar.gz.sig\n${b} *pulumi-v1-linux-x64.tar.gz\n`;
      assert.equal(findChecksum(text, "pulumi-v1-linux-x64.tar.gz"), b);
      assert.equal(findChecksum(text, "pulumi-v1-linux-arm64.tar.gz"), undefined);
    });
  });
});
