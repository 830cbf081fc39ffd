import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sshKeyPair } from "../../../formats/ssh-key.ts";
import { contentsOf, type TreeFile } from "../../../providers/tftp-tree/contents.ts";
import type { TftpTreeInputs, TftpTreeOutputs } from "../../../providers/tftp-tree/inputs.ts";
import { type Publication, type Published, publish } from "../../../providers/tftp-tree/publish.ts";
import type { Folder } from "../../../providers/transport/folder.ts";
import type { FolderServer } from "../../../providers/transport/folder-server.ts";
import { inFolder } from "../../../providers/transport/folder-server.ts";
import { run } from "../../../tools/lib/run.ts";
import { type Sshd, startSshd } from "../../doubles/sshd.ts";
import { type Watch, watched } from "../../doubles/watched-folder.ts";

export const hostKey = sshKeyPair(Buffer.alloc(32, 1));
export const deployKey = sshKeyPair(Buffer.alloc(32, 2));

/** The two ways in which a root is reached. Both lead to folders of this machine, so tests can look at them. */
export const places = ["local", "ssh"] as const;
export type Place = (typeof places)[number];

/** A project's work folder and a boot server, each of its own. */
export interface TreeSite {
  /** Where everything lies. */
  readonly folder: string;
  readonly root: string;
  readonly server: FolderServer;
  /** Missing where the root is on this machine. */
  readonly sshd: Sshd | undefined;
  close(): Promise<void>;
}

export async function treeSite(place: Place): Promise<TreeSite> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-tree-"));
  process.env.BRAMBLE_WORK = folder;
  await mkdir(join(folder, "artifacts"));
  await mkdir(join(folder, "ssh/lab"), { recursive: true });
  await writeFile(join(folder, "ssh/lab/deploy-key"), deployKey.privateKey, { mode: 0o600 });
  const sshd = place === "ssh" ? await startSshd(hostKey, deployKey.publicKey) : undefined;
  return {
    folder,
    root: join(folder, "tftp"),
    server: sshd === undefined ? { connect: "local" } : overSsh(sshd.port),
    sshd,
    close: async () => {
      sshd?.stop();
      await rm(folder, { recursive: true });
    },
  };
}

export function overSsh(port: number): FolderServer & { readonly connect: "ssh" } {
  const { username } = userInfo();
  return { connect: "ssh", name: "nas", address: "127.0.0.1", port, user: username, hostKey: hostKey.publicKey };
}

/** Puts bytes into the cache, as `artifacts fetch` does. @returns their hash. */
export async function inCache(site: TreeSite, bytes: Uint8Array): Promise<string> {
  const sha256 = sha256Of(bytes);
  const path = join(site.folder, "artifacts", sha256);
  if (!existsSync(path)) await writeFile(path, bytes);
  return sha256;
}

/** Bytes that are the same for the same words, and look like nothing else. */
export function bytesOf(words: string, count: number): Buffer {
  const block = createHash("sha512").update(words).digest();
  return Buffer.alloc(count, block);
}

export interface Wish {
  readonly tree?: string;
  readonly names?: readonly string[];
  /** A line in config.txt. */
  readonly line?: string;
  /** Which kernel. */
  readonly kernel?: string;
  readonly keep?: number;
  readonly root?: string;
}

/** A board's tree, laid out as formats/pi-boot-folder.ts does: shared files, and two texts of its own. */
export async function treeOf(site: TreeSite, wish: Wish = {}): Promise<TftpTreeInputs> {
  const { tree = "pi1", names = ["9ffefd01", "dc-a6-32-00-00-01"], line = "", kernel = "6.12", keep = 3 } = wish;
  const blobs = {
    "start4.elf": await inCache(site, bytesOf("start4", 90_000)),
    "s4123abc.elf": await inCache(site, bytesOf("start4", 90_000)),
    "{generation}/vmlinuz": await inCache(site, bytesOf(`kernel ${kernel}`, 300_000)),
    "{generation}/overlays/disable-bt.dtbo": await inCache(site, bytesOf("disable-bt", 1200)),
  };
  const config = `# ${tree}\nos_prefix={generation}/\n${line}\n`;
  const cmdline = `hostname=${tree} bramble.generation={generation}\n`;
  const generation = sha256Of(Buffer.from(JSON.stringify([config, cmdline, blobs]))).slice(0, 16);
  return {
    server: site.server,
    root: wish.root ?? site.root,
    owner: { site: "lab", id: "0a1b2c3d" },
    tree,
    names,
    generation,
    files: { "config.txt": config, "{generation}/cmdline.txt": cmdline },
    blobs,
    keep,
  };
}

/** What a board must find, by path. */
export async function expectedFiles(site: TreeSite, inputs: TftpTreeInputs): Promise<Map<string, Buffer>> {
  const put = (text: string) => text.replaceAll("{generation}", inputs.generation);
  const texts = Object.entries(inputs.files).map(([path, text]): [string, Buffer] => [
    put(path),
    Buffer.from(put(text)),
  ]);
  const blobs = Object.entries(inputs.blobs).map(async ([path, sha256]): Promise<[string, Buffer]> => {
    return [put(path), await readFile(join(site.folder, "artifacts", sha256))];
  });
  return new Map([...texts, ...(await Promise.all(blobs))]);
}

/** Fails unless a board finds exactly what it should, under each of the names. */
export async function assertServed(site: TreeSite, inputs: TftpTreeInputs, names = inputs.names): Promise<void> {
  for (const [path, bytes] of await expectedFiles(site, inputs)) {
    for (const name of names) {
      const found = await readFile(join(inputs.root, name, path));
      assert.ok(found.equals(bytes), `${name}/${path} has other bytes than it should`);
    }
  }
}

/** Publishes without the engine's functions, and tells what was done. */
export async function publishWatched(
  inputs: TftpTreeInputs,
  change: Partial<Publication> = {},
): Promise<Published & { readonly watch: Watch }> {
  const { server, root, owner } = inputs;
  return await inFolder(server, root, owner.site, async (folder) => {
    const { folder: noted, watch } = watched(folder);
    return { ...(await publishIn(noted, inputs, change)), watch };
  });
}

export async function publishIn(
  folder: Folder,
  { owner, tree, names, generation, keep, ...rest }: TftpTreeInputs,
  change: Partial<Publication> = {},
): Promise<Published> {
  const files = await filesOf({ owner, tree, names, generation, keep, ...rest });
  const usual = { dropped: [], claim: "00000001", isNew: false, distrust: false };
  return await publish(folder, { owner, tree, names, generation, keep, files, ...usual, ...change });
}

export async function filesOf(inputs: TftpTreeInputs): Promise<TreeFile[]> {
  const put = (text: string) => text.replaceAll("{generation}", inputs.generation);
  const files = Object.fromEntries(Object.entries(inputs.files).map(([path, text]) => [put(path), put(text)]));
  const blobs = Object.fromEntries(Object.entries(inputs.blobs).map(([path, sha256]) => [put(path), sha256]));
  return contentsOf({ ...inputs, files, blobs }, () => Promise.reject(new Error("there is no bootloader update")));
}

/** Calls a function of the provider in another process, which knows nothing of what this one has found out. */
export async function elsewhere(call: "create" | "update" | "read", ...args: readonly unknown[]): Promise<unknown> {
  const script = fileURLToPath(new URL("provider-call.ts", import.meta.url));
  const { stdout } = await run([process.execPath, script, call], { input: JSON.stringify(args) });
  return JSON.parse(stdout);
}

/** Lets everything in a site's root look an hour old, so that nothing is spared for being new. */
export async function ageRoot({ root }: TreeSite): Promise<void> {
  await run(["find", root, "!", "-type", "l", "-exec", "touch", "--date", "1 hour ago", "{}", "+"]);
}

export function versionFolder({ root, tree, version }: TftpTreeOutputs): string {
  return join(root, ".bramble/trees", tree, version);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function isThere(...path: readonly string[]): boolean {
  return existsSync(join(...path));
}
