import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { variables } from "../../providers/steps/environment.ts";
import { until } from "../../tools/lib/until.ts";

const command = [process.execPath, "providers/steps/main.ts", "guest-ready", "apply"];

describe("a remote step that waits for a guest", () => {
  let environment: NodeJS.ProcessEnv;
  /** Takes connections and says nothing, as a guest does whose kernel is up and whose sshd is not. */
  const guest = createServer();
  before(async () => {
    await new Promise<void>((resolve) => guest.listen(0, "127.0.0.1", resolve));
    const address = guest.address();
    assert.ok(typeof address === "object" && address !== null);
    const { publicKey, privateKey } = sshKeyPair(Buffer.alloc(32, 4));
    const target = { name: "n1", address: "127.0.0.1", port: address.port, user: "root", hostKey: publicKey };
    environment = {
      ...process.env,
      [variables.guest]: JSON.stringify(target),
      [variables.sshKey]: privateKey,
      [variables.image]: "none",
      [variables.patience]: "60",
    };
  });

  after(() => guest.close());

  it("ends at once when it is interrupted", async () => {
    const step = spawn(command[0] ?? "", command.slice(1), { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const said = output(step);
    await once(guest, "connection");
    const start = performance.now();
    step.kill("SIGTERM");
    const [code] = await once(step, "close");
    assert.equal(code, 130);
    assert.equal(said(), "interrupted\n");
    assert.ok(performance.now() - start < 2000);
  });

  it("ends soon after the engine that started it was killed", async () => {
    const engine = spawn("sh", ["-c", '"$@" & echo $!; wait', "sh", ...command], {
      env: environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const said = output(engine);
    await once(guest, "connection");
    const pid = Number.parseInt(said(), 10);
    assert.ok(isRunning(pid));
    engine.kill("SIGKILL");
    await until("the step's end", () => !isRunning(pid), { deadline: 5000 });
  });
});

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

function output(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      text += data.toString("utf8");
    });
  }
  return () => text;
}
