import { createHash } from "node:crypto";
import { run } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { startPrivateMachine } from "./private-machine.ts";

/** How the second host is wired to this machine. */
export type Wire =
  /** By a cable of its own; this machine's end gets the gateway's address. */
  | { gateway: string }
  /** As one more machine on a bridge of this machine, such as the one of a libvirt network. */
  | { bridge: string };

export interface SecondHostOptions {
  /** Its host name. */
  name: string;
  /** Its address with prefix length: "10.77.0.2/24". */
  address: string;
  wire: Wire;
  /** Private ed25519 host key, as OpenSSH writes it. */
  hostKey: string;
  /** One line of authorized_keys: who may log in as root. */
  authorizedKey: string;
}

export interface SecondHost {
  /** Its address, without prefix length. */
  address: string;
  /** The bridge in it that is wired to this machine; VMs that are put on it are on that network too. */
  bridge: string;
  /** Its first process, as this machine counts. */
  pid: number;
  /** The command that runs the given one in it. */
  inside(command: readonly string[]): [string, ...string[]];
  /** Runs a command in it and returns what it printed. */
  run(command: readonly string[]): Promise<string>;
  /** Runs virsh in it and returns what it printed. */
  virsh(...args: string[]): Promise<string>;
  /** Ends everything that runs in it and removes all of its files and its cable. */
  stop(): Promise<void>;
}

const bridge = "br0";
const keys = "/run/second-host";

const sshdConfig = `
Port 22
HostKey ${keys}/host-key
AuthorizedKeysFile ${keys}/authorized-keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
PidFile none
Subsystem sftp internal-sftp
`;

/**
 * Starts a second libvirt host beside this machine: a real sshd on port 22 of an address of its own, and a real
 * libvirt with its own VMs, pools and networks. It ends with this process at the latest.
 */
export async function startSecondHost(options: SecondHostOptions): Promise<SecondHost> {
  const machine = await startPrivateMachine({ name: options.name });
  // A name of an interface has at most 15 letters.
  const cable = `bh${createHash("sha256").update(`${options.name} ${options.address}`).digest("hex").slice(0, 10)}`;
  const inside: Inside = async (command, input) => {
    return (await run(machine.inside(command), input === undefined ? {} : { input })).stdout;
  };
  try {
    await wireUp(machine.pid, inside, cable, options);
    await inside(["install", "-d", "-m", "700", keys]);
    await write(inside, `${keys}/host-key`, options.hostKey);
    await write(inside, `${keys}/authorized-keys`, `${options.authorizedKey.trim()}\n`);
    await write(inside, `${keys}/sshd_config`, sshdConfig);
    await inside(["/usr/sbin/sshd", "-f", `${keys}/sshd_config`]);
    await inside(["/usr/sbin/virtlogd", "--daemon"]);
    await inside(["/usr/sbin/libvirtd", "--daemon"]);
    const answers = async () => (await machine.run(["virsh", "-c", "qemu:///system", "uri"])).code === 0;
    await until(`libvirt on ${options.name}`, answers, { deadline: 60_000 });
  } catch (error) {
    await machine.stop();
    throw error;
  }
  return {
    address: options.address.replace(/\/.*/, ""),
    bridge,
    pid: machine.pid,
    inside: machine.inside,
    run: (command) => inside(command),
    virsh: (...args) => inside(["virsh", "-q", "-c", "qemu:///system", ...args]),
    stop: async () => {
      // The cable would go with the machine, but some time after it.
      await run(["ip", "link", "delete", cable]);
      await machine.stop();
    },
  };
}

type Inside = (command: readonly string[], input?: string) => Promise<string>;

async function wireUp(pid: number, inside: Inside, cable: string, { address, wire }: SecondHostOptions): Promise<void> {
  await run(["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", String(pid)]);
  await inside(["ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"]);
  await inside(["ip", "link", "set", "eth0", "master", bridge, "up"]);
  await inside(["ip", "addr", "add", address, "dev", bridge]);
  await inside(["ip", "link", "set", bridge, "up"]);
  if ("bridge" in wire) {
    await run(["ip", "link", "set", cable, "master", wire.bridge, "up"]);
    return;
  }
  await run(["ip", "addr", "add", `${wire.gateway}/${address.replace(/.*\//, "")}`, "dev", cable]);
  await run(["ip", "link", "set", cable, "up"]);
  await inside(["ip", "route", "add", "default", "via", wire.gateway]);
}

/** Writes a file of mode 0600; its content is passed by standard input, since it may be a key. */
async function write(inside: Inside, path: string, content: string): Promise<void> {
  await inside(["sh", "-c", 'umask 077 && cat > "$1"', "sh", path], content);
}
