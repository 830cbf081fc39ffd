import { randomInt } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startTethered } from "./tethered.ts";

/** The real dnsmasq as a TFTP server. */
export interface Dnsmasq {
  /** Where it listens on port 69. */
  readonly address: string;
  /** The lines of its log so far: `sent FILE to CLIENT`, `file FILE not found for CLIENT` and so on. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

export interface DnsmasqOptions {
  /** The folder that it serves. dnsmasq gives up root: what it is to send must be readable by everybody. */
  readonly root: string;
  /** More lines of configuration. */
  readonly config?: string;
  /** An address to listen on; without one it gets a loopback address of its own, so that many can run side by side. */
  readonly address?: string;
  /** Turns a command into one that runs on another machine, such as a private machine's own `inside`. */
  readonly inside?: (command: readonly string[]) => readonly string[];
}

/** Where Debian's dnsmasq-base puts it. */
export const dnsmasqProgram = "/usr/sbin/dnsmasq";

/**
 * Starts dnsmasq for TFTP only, and waits until it serves.
 * @throws Error with what it says when it does not start.
 */
export async function startDnsmasq(options: DnsmasqOptions): Promise<Dnsmasq> {
  const { root, config = "", address = loopbackAddress(), inside } = options;
  const folder = await mkdtemp(join(tmpdir(), "dnsmasq-"));
  const settings = [
    "port=0",
    "enable-tftp",
    `tftp-root=${root}`,
    `listen-address=${address}`,
    "bind-interfaces",
    "log-facility=-",
    "pid-file",
    `dhcp-leasefile=${folder}/leases`,
  ];
  await writeFile(join(folder, "conf"), `${settings.join("\n")}\n${config}\n`);
  const command = [dnsmasqProgram, "--keep-in-foreground", `--conf-file=${folder}/conf`] as const;
  const { child, stop } = startTethered(command, folder, inside);
  const log: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line.replace(/^dnsmasq(?:-\w+)?\[\d+\]: /, ""));
      if (line.includes("TFTP root is")) resolve();
    });
    child.on("close", () => reject(new Error(`dnsmasq does not run: ${log.join("\n").trim()}`)));
    child.on("error", reject);
  });
  try {
    await ready;
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, log, stop };
}

function loopbackAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
}
