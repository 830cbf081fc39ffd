import type { Client, ClientChannel } from "ssh2";
import { type LastingShell, lastingShell } from "./lasting-shell.ts";
import { type Sftp, startSftp } from "./sftp.ts";
import { logIn, type SshTarget, Unreachable, where } from "./ssh.ts";

/** A connection that all work of this process on one machine shares. */
export interface SshSession {
  readonly target: SshTarget;
  readonly sftp: Sftp;
  readonly shell: LastingShell;
  isOpen(): boolean;
}

/** How long a server may take to answer, in seconds, with attempts that come less and less often. */
const patience = 15;
/** How long a server that did not answer is not asked again, in milliseconds: a thousand boards may want it. */
const memory = 60_000;
/** How long an unused connection stays, in milliseconds. Until then the process goes on. */
const idle = 2000;

interface Pooled {
  readonly session: Promise<OpenSession>;
  users: number;
  closing?: NodeJS.Timeout;
}

interface OpenSession extends SshSession {
  readonly closed: Promise<void>;
  close(): void;
}

const pool = new Map<string, Pooled>();

/**
 * Does something over the connection to a machine, which is opened if there is none. One that was lost is not opened
 * again for work that has begun on it: only that work knows whether it can be done twice.
 * @throws HostKeyMismatch, Unreachable; Error if the machine has no SFTP server or runs no commands.
 */
export async function withSession<T>(
  target: SshTarget,
  privateKey: () => Promise<string>,
  work: (session: SshSession) => Promise<T>,
): Promise<T> {
  const key = JSON.stringify([target.address, target.port, target.user, target.hostKey]);
  const pooled = pool.get(key) ?? enter(key, dial(target, privateKey));
  clearTimeout(pooled.closing);
  pooled.users++;
  try {
    return await work(await pooled.session);
  } finally {
    pooled.users--;
    if (pooled.users === 0) pooled.closing = setTimeout(() => close(key, pooled), idle);
  }
}

function enter(key: string, session: Promise<OpenSession>): Pooled {
  const pooled: Pooled = { session, users: 0 };
  pool.set(key, pooled);
  session.then(
    ({ closed }) => closed.then(() => leave(key, pooled)),
    (error) => {
      if (error instanceof Unreachable) setTimeout(() => leave(key, pooled), memory).unref();
      else leave(key, pooled);
    },
  );
  return pooled;
}

function leave(key: string, pooled: Pooled): void {
  if (pool.get(key) === pooled) pool.delete(key);
}

function close(key: string, pooled: Pooled): void {
  pooled.session.then(
    (session) => {
      leave(key, pooled);
      session.close();
    },
    () => undefined, // those who asked for it have the error
  );
}

async function dial(target: SshTarget, privateKey: () => Promise<string>): Promise<OpenSession> {
  const client = await logIn(target, await privateKey(), { patience });
  try {
    const [{ sftp, channel: files }, commands] = await Promise.all([startSftp(client), startShell(client)]);
    let open = true;
    // Work needs all three; the end of one is the end of all.
    const closed = new Promise<void>((resolve) => {
      const ended = () => {
        open = false;
        client.end();
        resolve();
      };
      client.on("close", ended);
      files.on("close", ended);
      commands.on("close", ended);
    });
    const shell = lastingShell(commands, commands);
    return { target, sftp, shell, isOpen: () => open, closed, close: () => client.end() };
  } catch (error) {
    client.end();
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`${where(target)} let us in, but cannot be published to: ${said}`);
  }
}

function startShell(client: Client): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec("sh", (error, channel) => {
      if (error !== undefined) return reject(new Error(`it runs no commands: ${error.message}`));
      channel.stderr.resume(); // scripts have it on the other output
      resolve(channel);
    });
  });
}
