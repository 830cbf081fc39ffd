import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, workFolder } from "../lib/paths.ts";
import { type RunOptions, type RunResult, run } from "../lib/run.ts";
import { engineEnvironment } from "../setup/env.ts";

/** Where a stack's passphrase lies if Bramble itself made it, as for the lab. */
export function passphraseFile(stack: string): string {
  return join(workFolder, stack, "passphrase");
}

/** The environment of every run of the engine for a stack. */
export function stackEnvironment(stack: string, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const environment = engineEnvironment(base);
  const own = passphraseFile(stack);
  const chosen = base.PULUMI_CONFIG_PASSPHRASE !== undefined || base.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return chosen || !existsSync(own) ? environment : { ...environment, PULUMI_CONFIG_PASSPHRASE_FILE: own };
}

/** Runs `pulumi` and collects what it prints. @throws RunError when it fails. */
export function askPulumi(stack: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(["pulumi", ...args, "--stack", stack, "--non-interactive"], {
    cwd: projectRoot,
    env: stackEnvironment(stack),
    ...options,
  });
}

/**
 * Runs `pulumi` on the user's terminal and gives its exit code. Ctrl-C reaches it directly, as a part of the
 * terminal's foreground group; it ends what is under way, and we wait for it.
 */
export function runPulumi(stack: string, args: readonly string[]): Promise<number> {
  const child = spawn("pulumi", [...args, "--stack", stack], {
    cwd: projectRoot,
    env: stackEnvironment(stack),
    stdio: "inherit",
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  const wait = () => {};
  process.on("SIGTERM", pass);
  process.on("SIGHUP", pass);
  process.on("SIGINT", wait);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGTERM", pass);
      process.off("SIGHUP", pass);
      process.off("SIGINT", wait);
      resolve(signal === null ? (code ?? 1) : 130);
    });
  });
}
