import { connect as connectTo, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Client, type ConnectConfig } from "ssh2";
import { fingerprint, publicKeyBlob } from "../../formats/ssh-key.ts";
import type { ScriptResult, SenderConnection } from "./connection.ts";

/** A machine to log in to. Its host key is known beforehand: nothing is ever trusted on first use. */
export interface SshTarget {
  /** What the user calls it; for messages. */
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly user: string;
  /** A public key line, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
}

/** The target showed another host key than the one that it must have. Waiting does not help. */
export class HostKeyMismatch extends Error {
  constructor(target: SshTarget, shown: Uint8Array) {
    super(
      `${where(target)} showed another SSH host key than it must have:\n` +
        `  expected ${fingerprint(target.hostKey)}\n` +
        `  shown    ${fingerprint(shown)}\n` +
        "Either another machine answers at this address (look for a second machine with it, or a wrong address in the " +
        "site file), or its key was changed by hand. Nothing was sent to it.",
    );
    this.name = "HostKeyMismatch";
  }
}

/** Nobody let us in before the time was up. */
export class Unreachable extends Error {
  constructor(target: SshTarget, seconds: number, last: string) {
    super(`${where(target)} could not be reached by SSH within ${seconds} s; the last attempt said: ${last}`);
    this.name = "Unreachable";
  }
}

export interface ConnectOptions {
  /** How long to go on trying, in seconds. */
  readonly patience: number;
  /** Called before each new attempt but the first, with what the last one said. */
  readonly onRetry?: (reason: string) => void;
  /** Ends the attempts, and the connection with what runs on it. */
  readonly signal?: AbortSignal;
}

/** The longest that one attempt may take, in milliseconds: a guest under emulation needs several seconds. */
const attemptTimeout = 20_000;
/** The pauses between attempts, in milliseconds; the last one repeats. */
const pauses = [250, 500, 1000, 2000] as const;

/**
 * Opens a connection, trying again while the target boots.
 * @throws HostKeyMismatch at once; Unreachable when the patience is used up.
 */
export async function connect(
  target: SshTarget,
  privateKey: string,
  options: ConnectOptions,
): Promise<SenderConnection> {
  const client = await logIn(target, privateKey, options);
  return {
    run: (script, args = []) => runCommand(client, target, ["sh", "-s", "--", ...args], script),
    send: async (source, path) => {
      const { code, stderr } = await runCommand(client, target, ["sh", "-c", "umask 077 && cat >$0", path], source);
      if (code !== 0) throw new Error(`${where(target)} did not take ${path}: ${stderr.trim()}`);
    },
    close: () => client.end(),
  };
}

/** Like {@link connect}, for who needs more of the connection than scripts. */
export async function logIn(target: SshTarget, privateKey: string, options: ConnectOptions): Promise<Client> {
  const end = Date.now() + options.patience * 1000;
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      const timeout = Math.max(1000, Math.min(attemptTimeout, end - Date.now()));
      return await dial(target, privateKey, timeout, options.signal);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof HostKeyMismatch) throw error;
      const pause = pauses[Math.min(attempt, pauses.length - 1)] ?? 0;
      if (Date.now() + pause > end) throw new Unreachable(target, options.patience, error.message);
      options.onRetry?.(error.message);
      await delay(pause, undefined, { signal: options.signal });
    }
  }
}

function dial(target: SshTarget, privateKey: string, timeout: number, signal?: AbortSignal): Promise<Client> {
  const client = new Client();
  const hangUp = () => client.destroy();
  signal?.addEventListener("abort", hangUp, { once: true });
  client.once("close", () => signal?.removeEventListener("abort", hangUp));
  const expected = publicKeyBlob(target.hostKey);
  return new Promise((resolve, reject) => {
    let shown: Buffer | undefined;
    const config: ConnectConfig = {
      sock: openSocket(target.address, target.port ?? 22),
      username: target.user,
      privateKey,
      readyTimeout: timeout,
      keepaliveInterval: 15_000,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        shown = key;
        return key.equals(expected);
      },
    };
    client.on("error", (error) => {
      reject(shown !== undefined && !shown.equals(expected) ? new HostKeyMismatch(target, shown) : error);
    });
    client.on("close", () => reject(new Error("the connection was closed")));
    client.on("ready", () => resolve(client));
    client.connect(config);
  });
}

/**
 * A connection without the delay by which small messages wait for answers to those before (40 ms each), and on which
 * what is written in one go travels in one go: ssh2 writes each packet in three pieces.
 */
function openSocket(host: string, port: number): Socket {
  const socket = connectTo({ host, port, noDelay: true });
  const write = socket.write;
  socket.write = (...args: unknown[]) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    return Reflect.apply(write, socket, args);
  };
  return socket;
}

function runCommand(
  client: Client,
  target: SshTarget,
  words: readonly string[],
  input: string | Readable,
): Promise<ScriptResult> {
  const command = words.map(quote).join(" ");
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error(`the SSH connection to ${where(target)} was lost while a command ran on it`));
    client.once("close", lost);
    client.exec(command, (error, channel) => {
      if (error !== undefined) return reject(error);
      let stdout = "";
      let stderr = "";
      channel.on("data", (data: Buffer) => {
        stdout += data.toString("utf8");
      });
      channel.stderr.on("data", (data: Buffer) => {
        stderr += data.toString("utf8");
      });
      channel.on("close", (code: number | null) => {
        client.off("close", lost);
        resolve({ code: code ?? 128, stdout, stderr });
      });
      if (typeof input === "string") channel.end(input);
      else pipeline(input, channel).catch(reject);
    });
  });
}

/** One word for a POSIX shell, whatever is in it (POSIX.1-2017 §2.2.2). */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Name and address of a machine, for messages. */
export function where(target: SshTarget): string {
  return `${target.name} (${target.address})`;
}
