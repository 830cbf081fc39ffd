import { equal, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { dnsmasqProgram, startDnsmasq } from "./dnsmasq.ts";

describe("the dnsmasq of a test", () => {
  before(function () {
    if (process.getuid?.() !== 0 || !existsSync(dnsmasqProgram)) this.skip();
  });

  it("says what dnsmasq says when it does not start", async () => {
    await rejects(startDnsmasq({ root: tmpdir(), config: "nonsense" }), /bad option at line/);
    await rejects(startDnsmasq({ root: "/nowhere" }), /TFTP directory \/nowhere inaccessible/);
  });

  it("ends with the process that started it, also when that is killed", async () => {
    const module = fileURLToPath(new URL("dnsmasq.ts", import.meta.url));
    const script = `import { startDnsmasq } from ${JSON.stringify(module)};
      console.log((await startDnsmasq({ root: "/" })).address);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    const [address] = await once(child.stdout, "data");
    const listens = async () => (await tryRun(["ss", "-Hlun", "src", `${String(address).trim()}:69`])).stdout !== "";
    equal(await listens(), true);
    child.kill("SIGKILL");
    await until("dnsmasq to end", async () => !(await listens()), { deadline: 5000 });
  });
});
