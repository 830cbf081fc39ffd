import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Dnsmasq, type DnsmasqOptions, startDnsmasq } from "./dnsmasq.ts";

/** Files by their path, which may have folders in it. */
export type Folder = Readonly<Record<string, string | Uint8Array>>;

/** A folder that the real dnsmasq serves. */
export interface TftpFolder {
  readonly root: string;
  readonly dnsmasq: Dnsmasq;
  /** Writes files below a folder of the root, over those that are there, readable by everybody. */
  publish(prefix: string, files: Folder): Promise<void>;
  /** Ends dnsmasq and removes the folder. */
  remove(): Promise<void>;
}

export async function serveFolder(options: Omit<DnsmasqOptions, "root"> = {}): Promise<TftpFolder> {
  const root = await mkdtemp(join(tmpdir(), "bramble-tftp-"));
  // dnsmasq is not root, and mkdtemp makes folders for their owner alone.
  await chmod(root, 0o755);
  const remove = () => rm(root, { recursive: true, force: true });
  try {
    const dnsmasq = await startDnsmasq({ ...options, root });
    return {
      root,
      dnsmasq,
      publish: async (prefix, files) => {
        for (const [name, content] of Object.entries(files)) {
          const path = join(root, prefix, name);
          await mkdir(dirname(path), { recursive: true, mode: 0o755 });
          await writeFile(path, content, { mode: 0o644 });
        }
      },
      remove: async () => {
        await dnsmasq.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
