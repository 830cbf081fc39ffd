import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SshKeyPair } from "../../formats/ssh-key.ts";

/** A real OpenSSH server on loopback, for the user that runs the tests. */
export interface Sshd {
  readonly port: number;
  /** Ends the sessions that go on, as a cable that is pulled does. It can be connected to again. */
  disconnect(): void;
  stop(): void;
}

export async function startSshd(
  hostKey: SshKeyPair,
  authorizedKey: string,
  wanted?: number,
  settings: readonly string[] = [],
): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "sshd-"));
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // sshd's own, which a package or its service makes
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const port = wanted ?? (await freePort());
  const config = write(
    "config",
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${write("host-key", hostKey.privateKey)}`,
      `AuthorizedKeysFile ${write("authorized-keys", `${authorizedKey}\n`)}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
      "Subsystem sftp internal-sftp",
      ...settings,
    ].join("\n"),
  );
  const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  await listening(server, port);
  return {
    port,
    disconnect: () => {
      for (const session of childrenOf(server)) process.kill(session, "SIGKILL");
    },
    stop: () => {
      server.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function childrenOf({ pid }: ChildProcess): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children
    .split(" ")
    .filter((word) => word !== "")
    .map(Number);
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(server: ChildProcess, port: number): Promise<void> {
  let said = "";
  server.stderr?.on("data", (data: Buffer) => {
    said += data.toString("utf8");
  });
  for (const end = Date.now() + 5000; ; ) {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    if (await answers(port)) return;
    if (Date.now() > end) throw new Error(`sshd did not answer: ${said}`);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
