import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname, userInfo } from "node:os";
import { rolloutsFolder } from "../../providers/tftp-tree/layout.ts";
import { type LastingShell, lastingShell } from "../../providers/transport/lasting-shell.ts";
import { quote } from "../../providers/transport/ssh.ts";
import { withSession } from "../../providers/transport/ssh-pool.ts";
import type { Context } from "./context.ts";

/** What the shell ends with where somebody else has the lock. */
const taken = 75;

/** A lock on the boot server, which is there as long as its connection. */
export interface ServerLock {
  isHeld(): boolean;
}

/**
 * Does something while no other rollout of the site can, wherever that runs. The lock is the kernel's of the boot server
 * (flock(1)), held by a shell there: it goes with the connection, so a runner that was killed leaves none behind.
 * @throws Error that says who holds it
 */
export async function withServerLock<T>(context: Context, work: (lock: ServerLock) => Promise<T>): Promise<T> {
  const { source, deployKey, site } = context;
  const file = `${site.boot.server.tftpRoot}/${rolloutsFolder}/lock`;
  if (source.connect === "ssh") {
    return await withSession(
      source,
      async () => deployKey,
      (session) => locked(session.shell, file, { isHeld: () => session.isOpen() }, work),
    );
  }
  const shell = spawn("sh", [], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(shell, "exit");
  try {
    return await locked(lastingShell(shell.stdin, shell.stdout), file, { isHeld: () => shell.exitCode === null }, work);
  } finally {
    shell.stdin.end();
    await ended;
  }
}

async function locked<T>(
  shell: LastingShell,
  file: string,
  lock: ServerLock,
  work: (lock: ServerLock) => Promise<T>,
): Promise<T> {
  const above = (path: string) => path.replace(/\/[^/]*$/, "");
  const [path, folder, home] = [file, above(file), above(above(file))].map(quote);
  const me = quote(
    `process ${process.pid} of ${userInfo().username} on ${hostname()}, since ${new Date().toISOString()}`,
  );
  const { code, text } = await shell.run(`if ! [ -d ${home} ]; then echo nothing is published there yet; false
elif ! { mkdir -p ${folder} && touch ${path}; }; then false
elif exec 9>>${path} && flock -n 9; then echo ${me} >${path}
else cat ${path}; exec 9>&-; (exit ${taken}); fi`);
  if (code === taken)
    throw new Error(`Another rollout of this site is under way: ${text.trim()}. Nothing was changed.`);
  if (code !== 0) throw new Error(`The boot server can't be locked: ${text.trim()}. Nothing was changed.`);
  try {
    return await work(lock);
  } finally {
    if (lock.isHeld()) await shell.run("exec 9>&-");
  }
}
