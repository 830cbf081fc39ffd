import { spawn } from "node:child_process";

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Written to the command's standard input, which is closed otherwise. */
  input?: string | Uint8Array;
  /** Ends the command (SIGTERM) when aborted. */
  signal?: AbortSignal | undefined;
  /**
   * Runs the command in a process group of its own: Ctrl-C does not reach it, `signal` ends it with all the processes
   * that it started, and the promise settles only when it is gone (so that its files can be removed).
   */
  ownGroup?: boolean;
  /** Milliseconds after which the command is ended. */
  timeout?: number;
  /** Called with each line of standard output and standard error as it comes. */
  onLine?: (line: string) => void;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that ended with another exit code than 0, or could not be started. */
export class RunError extends Error {
  readonly result: RunResult;
  constructor(command: readonly string[], result: RunResult) {
    const said = (result.stderr || result.stdout).trim().split("\n").slice(-15).join("\n");
    super(`${command[0]} ended with exit code ${result.code}${said === "" ? "" : `:\n${said}`}`);
    this.name = "RunError";
    this.result = result;
  }
}

/**
 * Runs a program without a shell and collects what it prints.
 * @throws RunError when it ends with another code than 0; Error when it cannot be started.
 */
export async function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const result = await tryRun(command, options);
  if (result.code !== 0) throw new RunError(command, result);
  return result;
}

/** Like {@link run}, but an exit code other than 0 is an answer and not an error. */
export function tryRun(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      signal: options.ownGroup ? undefined : options.signal,
      timeout: options.timeout,
      detached: options.ownGroup === true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const endGroup = () => {
      // A pid is missing when the program could not be started: "error" tells.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    };
    if (options.ownGroup) {
      if (options.signal?.aborted) endGroup();
      options.signal?.addEventListener("abort", endGroup, { once: true });
    }
    const stdout = collect(child.stdout, options.onLine);
    const stderr = collect(child.stderr, options.onLine);
    child.on("error", reject);
    child.on("exit", () => options.signal?.removeEventListener("abort", endGroup));
    child.on("close", (code, signal) => {
      if (options.ownGroup && options.signal?.aborted) return reject(options.signal.reason);
      const ended = signal === null ? "" : `\n${program} was ended by ${signal}`;
      resolve({ code: code ?? 128, stdout: stdout(), stderr: stderr() + ended });
    });
    // A command that does not read its input closes the pipe early; its exit code tells, not the write.
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") reject(error);
    });
    child.stdin.end(options.input ?? "");
  });
}

function collect(stream: NodeJS.ReadableStream, onLine?: (line: string) => void): () => string {
  const chunks: Buffer[] = [];
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    if (onLine === undefined) return;
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (onLine !== undefined && rest !== "") onLine(rest);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
