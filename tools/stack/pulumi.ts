import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, workFolder } from "../lib/paths.ts";
import { RunError, type RunOptions, type RunResult, run } from "../lib/run.ts";
import { engineEnvironment } from "../setup/env.ts";
import { adviceOn } from "./advice.ts";

/** Where a stack's passphrase lies if Bramble itself made it, as for the lab. */
export function passphraseFile(stack: string): string {
  return join(workFolder, stack, "passphrase");
}

/** The environment of every run of the engine for a stack. */
export function stackEnvironment(stack: string, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const environment = engineEnvironment(base);
  const own = passphraseFile(stack);
  if (!existsSync(own)) return environment;
  // Where Bramble made the passphrase, one that the user has set is meant for another stack.
  const { PULUMI_CONFIG_PASSPHRASE: _, ...rest } = environment;
  return { ...rest, PULUMI_CONFIG_PASSPHRASE_FILE: own };
}

/** Runs `pulumi` and collects what it prints. @throws EngineError when it fails. */
export async function askPulumi(stack: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const env = stackEnvironment(stack);
  const command = ["pulumi", ...args, "--stack", stack, "--non-interactive"] as const;
  try {
    return await run(command, { cwd: projectRoot, env, ...options });
  } catch (error) {
    throw error instanceof RunError ? new EngineError(error.result, stack, env.PULUMI_BACKEND_URL) : error;
  }
}

/** The engine refused; the message is its own and, where that says little, what to do. */
export class EngineError extends Error {
  /** What the engine said, as it was. */
  readonly said: string;
  constructor({ stdout, stderr }: RunResult, stack: string, backend: string | undefined) {
    const said = (stderr || stdout).trim();
    const advice = adviceOn(said, stack, backend);
    super(advice === undefined ? said : `${said}\n${advice}`);
    this.name = "EngineError";
    this.said = said;
  }
}

/**
 * Runs `pulumi` on the user's terminal and gives the exit code of the command: 0, 1, or 130 when it was interrupted.
 * Ctrl-C reaches the engine directly, as a part of the terminal's foreground group; it ends what is under way, and we
 * wait for it.
 */
export function runPulumi(stack: string, args: readonly string[]): Promise<number> {
  const child = spawn("pulumi", [...args, "--stack", stack], {
    cwd: projectRoot,
    env: stackEnvironment(stack),
    stdio: "inherit",
  });
  let interrupted = false;
  const wait = () => {
    interrupted = true;
  };
  const pass = (signal: NodeJS.Signals) => {
    wait();
    child.kill(signal);
  };
  process.on("SIGTERM", pass);
  process.on("SIGHUP", pass);
  process.on("SIGINT", wait);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGTERM", pass);
      process.off("SIGHUP", pass);
      process.off("SIGINT", wait);
      if (signal !== null)
        process.stderr.write(`The engine was ended by ${signal}. The same command goes on from here.\n`);
      resolve(code === 0 ? 0 : interrupted ? 130 : 1);
    });
  });
}
