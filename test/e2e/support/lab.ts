import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { tryRun } from "../../../tools/lib/run.ts";
import type { Checkout } from "./checkout.ts";

/** What a lab puts on a machine: interfaces, folders, logs, and the processes of guests and of libvirt. */
export async function traces(): Promise<string[]> {
  const links = (await tryRun(["ip", "-o", "link"])).stdout.match(/\b(bv-|vnet|virbr)[^:@ ]*/g) ?? [];
  const files = globSync(["/var/lib/libvirt/bramble/lab-*", "/var/log/libvirt/qemu/lab-*", "/etc/libvirt/*/**/*lab*"]);
  // Other tests' machines have daemons of their own, started without a pid file.
  const { stdout } = await tryRun(["pgrep", "-af", "guest=lab-|bramble-lab|(libvirtd|virtlogd) .*--pid-file"]);
  const processes = stdout.split("\n").map((line) => line.replace(/^\d+ /, "").slice(0, 80));
  return [...links, ...files, ...processes].filter((trace) => trace !== "" && !trace.startsWith("pgrep")).sort();
}

/** Starts a command and kills it with all that it started, without a warning, at the first line that matches. */
export async function killWhen(checkout: Checkout, args: string[], line: RegExp): Promise<void> {
  const child = spawn(process.execPath, ["tools/bramble.js", ...args], {
    cwd: checkout.folder,
    env: checkout.environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, to be killed whole
  });
  let said = "";
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        said += data.toString("utf8");
        if (line.test(said)) resolve();
      });
    }
    child.on("exit", () => reject(new Error(`it ended before it said ${line}:\n${said}`)));
  });
  assert.ok(child.pid !== undefined);
  process.kill(-child.pid, "SIGKILL");
  await ended;
}
