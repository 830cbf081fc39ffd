import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What OpenSSH and libvirt over SSH read from files. */
export interface KeyFiles {
  /** OpenSSH private key. */
  readonly deployKey: string;
  /** known_hosts lines of every machine of the site. */
  readonly knownHosts: string;
  /** Hosts that are said never to run again, with the reason: what a step undoes on them, it undoes without them. */
  readonly lost: Readonly<Record<string, string>>;
}

/** The folder of a site's key files below the work folder. */
export function keyFolder(workFolder: string, site: string): string {
  return join(workFolder, "ssh", site);
}

/** The key by which this project logs in to a site's machines, for what runs inside of the engine. */
export async function siteDeployKey(site: string): Promise<string> {
  const { BRAMBLE_WORK: workFolder } = process.env;
  if (workFolder === undefined) throw new Error("BRAMBLE_WORK is not set: run this by npm run up, preview or destroy");
  return readFile(join(keyFolder(workFolder, site), "deploy-key"), "utf8");
}

/** The hosts that a site's file says are lost, with the reason, for what runs inside of the engine. */
export async function lostHosts(site: string): Promise<Readonly<Record<string, string>>> {
  const text = await keyFile(site, "lost");
  const lost: Record<string, string> = text === undefined ? {} : JSON.parse(text);
  return lost;
}

/** The key that the site's files say now for an address, as a public key line; undefined where they know nobody there. */
export async function knownHostKey(site: string, address: string): Promise<string | undefined> {
  const text = await keyFile(site, "known_hosts");
  const line = text?.split("\n").find((other) => other.startsWith(`${address} `));
  return line?.slice(address.length + 1);
}

/** What is in a key file of a site; undefined where it has none, or this was not started by a stack. */
async function keyFile(site: string, name: "known_hosts" | "lost"): Promise<string | undefined> {
  const { BRAMBLE_WORK: workFolder } = process.env;
  return workFolder === undefined ? undefined : readIfThere(join(keyFolder(workFolder, site), name));
}

/** Writes `deploy-key`, `known_hosts` and `lost`, readable by their owner only, each in one step; nothing if they are right. */
export async function writeKeyFiles(folder: string, files: KeyFiles): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeIfOther(join(folder, "deploy-key"), files.deployKey);
  await writeIfOther(join(folder, "known_hosts"), files.knownHosts);
  await writeIfOther(join(folder, "lost"), `${JSON.stringify(files.lost)}\n`);
}

async function writeIfOther(path: string, content: string): Promise<void> {
  if ((await readIfThere(path)) === content) return;
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, content, { mode: 0o600 });
  await rename(aside, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
