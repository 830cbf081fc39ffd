import { spawn } from "node:child_process";
import { execPath, stdout } from "node:process";
import { StringDecoder } from "node:string_decoder";
import { projectRoot } from "../lib/paths.ts";

/** How a `bramble` command ended, and all that it said, in the order in which it came. */
export interface Watched {
  readonly code: number;
  readonly said: string;
}

/**
 * Runs another `bramble` command, prints what it says as it comes, and keeps it. A signal to end goes on to it once, and
 * it is waited for: the engine ends what is under way. It is in a process group of its own, so that Ctrl-C on a terminal
 * does not reach the engine twice, which would make it stop at once.
 */
export function watchBramble(...args: readonly string[]): Promise<Watched> {
  const child = spawn(execPath, [`${projectRoot}/tools/bramble.js`, ...args], {
    cwd: projectRoot,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder("utf8");
    stream.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk);
      said += text;
      stdout.write(text);
    });
  }
  let passed = false;
  const pass = () => {
    if (!passed) child.kill("SIGTERM");
    passed = true;
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, pass);
  return new Promise<Watched>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, said }));
  }).finally(() => {
    for (const signal of signals) process.off(signal, pass);
  });
}
