import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { type CpioEntry, cpio } from "../../tools/image/cpio.ts";
import { minirootfsFiles } from "./alpine-initramfs/minirootfs.ts";
import type { SigningKey } from "./apk-repository.ts";

export interface InitramfsOptions {
  /** Signed the packages that a board may install. */
  readonly key: Pick<SigningKey, "file" | "publicPem">;
  /** A folder with the modules of a kernel for aarch64. */
  readonly modules: string;
}

/** Of the network card of QEMU's `virt` machine, in the order in which they need each other. */
export const initramfsModules = ["failover", "net_failover", "virtio_net"] as const;

/**
 * An initial RAM disk for aarch64 that does what Alpine's does on a diskless machine: `init` of the folder
 * alpine-initramfs, with busybox, apk and their libraries from the mini root filesystem.
 */
export async function alpineInitramfs({ key, modules }: InitramfsOptions): Promise<Buffer> {
  const entries = new Map<string, CpioEntry>();
  const add = (entry: CpioEntry) => {
    const parts = entry.path.split("/").slice(0, -1);
    for (const depth of parts.keys()) {
      const path = parts.slice(0, depth + 1).join("/");
      entries.set(path, entries.get(path) ?? { path, kind: "folder" });
    }
    entries.set(entry.path, entry);
  };
  const executable = (path: string, data: Uint8Array) => add({ path, kind: "file", data, executable: true });
  for (const { path, content } of await minirootfsFiles()) {
    if (!needed.test(path)) continue;
    if ("link" in content) add({ path, kind: "link", target: content.link });
    else executable(path, Buffer.from(content.text));
  }
  for (const [index, name] of initramfsModules.entries())
    executable(`modules/${index}-${name}.ko`, await kernelModule(modules, name));
  add({ path: `etc/apk/keys/${key.file}`, kind: "file", data: Buffer.from(key.publicPem), executable: false });
  executable("init", await readFile(new URL("alpine-initramfs/init", import.meta.url)));
  // The kernel's first process has its output here.
  add({ path: "dev/console", kind: "character-device", major: 5, minor: 1 });
  return gzipSync(cpio([...entries.values()]));
}

const needed =
  /^(bin\/(busybox|sh)|sbin\/apk|lib\/[^/]+\.so[^/]*|usr\/share\/udhcpc\/default\.script|etc\/(passwd|group))$/;

/** A module out of a folder with a kernel's modules. */
export async function kernelModule(folder: string, name: string): Promise<Buffer> {
  const paths = await readdir(folder, { recursive: true });
  const path = paths.find((each) => each.endsWith(`/${name}.ko`));
  if (path === undefined) throw new Error(`${folder} has no module ${name}`);
  return await readFile(`${folder}/${path}`);
}
