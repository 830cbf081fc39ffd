import { spawn } from "node:child_process";
import type { Connection, ScriptResult } from "./connection.ts";

/** The machine that Pulumi runs on, in the shape of a connection. */
export function thisMachine(): Connection {
  return { run: runScript, close: () => undefined };
}

function runScript(script: string, args: readonly string[] = []): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    const shell = spawn("sh", ["-s", "--", ...args], { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    shell.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    // A script that fails early does not read the rest of itself; its exit code tells, not the write.
    shell.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    shell.on("error", reject);
    shell.on("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
    shell.stdin.end(script);
  });
}
