import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What OpenSSH and libvirt over SSH read from files. */
export interface KeyFiles {
  /** OpenSSH private key. */
  readonly deployKey: string;
  /** known_hosts lines of every machine of the site. */
  readonly knownHosts: string;
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

/** Writes `deploy-key` and `known_hosts`, readable by their owner only, each in one step; nothing if they are right. */
export async function writeKeyFiles(folder: string, files: KeyFiles): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeIfOther(join(folder, "deploy-key"), files.deployKey);
  await writeIfOther(join(folder, "known_hosts"), files.knownHosts);
}

async function writeIfOther(path: string, content: string): Promise<void> {
  const present = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (present === content) return;
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, content, { mode: 0o600 });
  await rename(aside, path);
}
