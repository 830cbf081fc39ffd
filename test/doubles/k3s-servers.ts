import { mkdir, rmdir } from "node:fs/promises";
import type { GuestFile } from "../../providers/steps/guest-script.ts";
import { guestScripts } from "../../providers/steps/guest-script.ts";
import { until } from "../../tools/lib/until.ts";
import { type PrivateLan, type Station, startPrivateLan } from "./private-lan.ts";

/**
 * Real k3s servers without nodes: each with the API, its own address and folders, on a network that nothing else is on.
 */
export interface K3sServers {
  /** Plugs in a machine with these files below /etc/rancher and /var/lib/rancher. */
  machine(name: string, address: string, files: readonly GuestFile[]): Promise<K3sMachine>;
  stop(): Promise<void>;
}

export interface K3sMachine {
  /** Starts `k3s server` without waiting for it. */
  start(): Promise<void>;
  /** Ends it and what it started. */
  kill(): Promise<void>;
  /** Runs scripts of providers/steps/guest as a step does, and gives what they print. */
  script(names: readonly string[], ...args: readonly string[]): Promise<string>;
  /** Runs a command with this machine's folders. */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** What k3s has said. */
  log(): Promise<string>;
  /** Waits until its API says that it is ready. */
  ready(): Promise<void>;
}

/** The folders that each machine has of its own; made here where they are missing, since they are mounted over. */
const ownFolders = ["/var/lib/rancher", "/etc/rancher"] as const;
/** How long a server may take until its API is ready, in milliseconds. */
const ready = 180_000;

/** @param bin the folder with k3s and its links */
export async function startK3sServers(bin: string): Promise<K3sServers> {
  const made = await Promise.all(ownFolders.map((folder) => mkdir(folder, { recursive: true })));
  const lan = await startPrivateLan();
  return {
    machine: async (name, address, files) => plugIn(lan, await lan.plugIn({ name, address }), name, bin, files),
    stop: async () => {
      await lan.stop();
      await Promise.all(ownFolders.map((folder, index) => (made[index] === undefined ? undefined : rmdir(folder))));
    },
  };
}

async function plugIn(
  lan: PrivateLan,
  station: Station,
  name: string,
  bin: string,
  files: readonly GuestFile[],
): Promise<K3sMachine> {
  const root = `/run/machines/${name}`;
  await station.run(["mkdir", "-p", ...ownFolders.map((folder) => root + folder)]);
  for (const { path, content } of files)
    if (ownFolders.some((folder) => path.startsWith(`${folder}/`))) await lan.write(root + path, content);
  // k3s wants to know a way to everywhere, whatever is there.
  await station.run(["ip", "route", "add", "default", "dev", "eth0"]);
  const inside = (script: string, ...args: readonly string[]) =>
    station.run(["sh", "-euc", `${ownMounts(root, bin)}\n${script}`, "sh", ...args]);
  const script = async (names: readonly string[], ...args: readonly string[]) =>
    (await inside(await guestScripts(names), ...args)).trim();
  return {
    start: async () => {
      // Etcd's members are marked at the node of this name, which k3s learns from its agent.
      const name = "NODE_NAME=$(sed -n 's/^node-name: //p' /etc/rancher/k3s/config.yaml)";
      await inside(`${name} setsid k3s server --disable-agent >${root}/log 2>&1 </dev/null & echo $! >${root}/pid`);
    },
    kill: async () => {
      await station.run(["sh", "-c", 'kill -KILL -- "-$(cat "$1")"; rm "$1"', "sh", `${root}/pid`]);
    },
    script,
    run: inside,
    log: () => station.run(["cat", `${root}/log`]),
    ready: async () => {
      const answer = async () => "nodes" in JSON.parse(await script(["k3s-api", "k3s-look"]));
      await until(`k3s on ${name}`, answer, { deadline: ready, every: 500 }).catch(async (error: Error) => {
        const said = await station.run(["tail", "-n", "15", `${root}/log`]);
        throw new Error(`${error.message}; it said last:\n${said}`);
      });
    },
  };
}

/** Each command has mounts of its own (ip-netns(8)), and so these folders. */
function ownMounts(root: string, bin: string): string {
  return [
    ...ownFolders.map((folder) => `mount --bind ${root}${folder} ${folder}`),
    `PATH=${bin}:/usr/lib/cni:$PATH`,
  ].join("\n");
}
