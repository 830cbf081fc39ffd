import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { sshKeyPair } from "../formats/ssh-key.ts";
import { withGeneration } from "../providers/tftp-tree/generation.ts";
import type { TftpTreeInputs } from "../providers/tftp-tree/inputs.ts";
import type { Sshd } from "../test/doubles/sshd.ts";
import { run } from "../tools/lib/run.ts";

/** Trees of many boards, for Bramble and for rsync. */

export const hostKey = sshKeyPair(Buffer.alloc(32, 1));
export const deployKey = sshKeyPair(Buffer.alloc(32, 2));

/** Kernel, initramfs, firmware, device tree and overlays: 14 files with 40 MB, the same for all boards. */
const sharedFiles: readonly (readonly [path: string, bytes: number])[] = [
  ["start4.elf", 2_200_000],
  ["fixup4.dat", 5_400],
  ["{generation}/vmlinuz", 9_500_000],
  ["{generation}/initramfs", 28_200_000],
  ["{generation}/bcm2711-rpi-4-b.dtb", 56_000],
  ...Array.from({ length: 9 }, (_, index) => [`{generation}/overlays/overlay${index}.dtbo`, 1500 + index] as const),
];

/** Makes a work folder with the deploy key and the shared files. @returns their hashes, by path. */
export async function makeWorkFolder(work: string): Promise<Record<string, string>> {
  await mkdir(join(work, "ssh/lab"), { recursive: true });
  await writeFile(join(work, "ssh/lab/deploy-key"), deployKey.privateKey, { mode: 0o600 });
  await mkdir(join(work, "artifacts"));
  const blobs: Record<string, string> = {};
  for (const [path, size] of sharedFiles) {
    const bytes = randomBytes(size); // which no program can send as fewer
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    blobs[path] = sha256;
    await writeFile(join(work, "artifacts", sha256), bytes);
  }
  return blobs;
}

/** A board's tree: the shared files, and two texts of about 1 KB of its own. */
export function boardTree(
  board: number,
  line: string,
  place: Pick<TftpTreeInputs, "server" | "root" | "blobs">,
): TftpTreeInputs {
  const config = `# board ${board}\nos_prefix={generation}/\n${"dtoverlay=disable-bt\n".repeat(40)}${line}\n`;
  const cmdline = `hostname=pi${board} ${"modules=loop,squashfs,sd-mod ".repeat(34)}\n`;
  const hash = createHash("sha256").update(config + cmdline);
  return {
    ...place,
    owner: { site: "lab", id: "0a1b2c3d" },
    tree: `pi${board}`,
    names: [(0xa0000000 + board).toString(16), `pi${board}`],
    generation: hash.digest("hex").slice(0, 16),
    files: { "config.txt": config, "{generation}/cmdline.txt": cmdline },
    keep: 3,
  };
}

/** Lays a tree out as rsync is to find it: shared files are hard links, further names are links. */
export async function layOut(tree: TftpTreeInputs, folder: string, work: string): Promise<void> {
  const { names, files, blobs } = withGeneration(tree);
  const [first = "", ...others] = names;
  const at = join(folder, first);
  await rm(at, { recursive: true, force: true });
  for (const path of [...Object.keys(files), ...Object.keys(blobs)])
    await mkdir(dirname(join(at, path)), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(at, path), text);
  for (const [path, sha256] of Object.entries(blobs)) await link(join(work, "artifacts", sha256), join(at, path));
  for (const name of others) {
    await rm(join(folder, name), { force: true });
    await symlink(first, join(folder, name));
  }
}

/** Copies a folder as Bramble would publish it: no less on the disk, and what is not there any more is removed. */
export async function rsync(from: string, to: string, sshd: Sshd | undefined, work: string): Promise<void> {
  const command = ["rsync", "-aH", "--delete", "--fsync"] as const;
  if (sshd === undefined) {
    await run([...command, `${from}/`, to]);
    return;
  }
  const known = join(work, "known-hosts");
  await writeFile(known, `[127.0.0.1]:${sshd.port} ${hostKey.publicKey}\n`);
  const key = join(work, "ssh/lab/deploy-key");
  const ssh = `ssh -F none -p ${sshd.port} -i ${key} -o UserKnownHostsFile=${known} -o StrictHostKeyChecking=yes`;
  await run([...command, "-e", ssh, `${from}/`, `${userInfo().username}@127.0.0.1:${to}`]);
}
