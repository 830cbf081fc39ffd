import { readdir, readFile } from "node:fs/promises";
import { initrdInit } from "../../images/name.ts";
import { type CpioEntry, cpio } from "./cpio.ts";

/** klibc's small programs that the initial RAM disk's init calls. */
const tools = ["sh", "insmod", "mount", "umount", "run-init", "sleep"];

/**
 * The initial RAM disk: a shell script, six programs of klibc and the modules of a virtio disk and its seed, not
 * compressed, under 1 MB. initramfs-tools' own one takes seconds without KVM, for udev and for things a guest of known
 * make does not have.
 * @param klibc folder with klibc's programs in bin/ and its library beside
 * @param modules folder with modules, not compressed, that sort in the order in which they load
 */
export async function initrd(klibc: string, modules: string): Promise<Buffer> {
  const folders = ["bin", "dev", "modules", "proc", "root", "usr", "usr/lib"];
  const entries: CpioEntry[] = folders.map((path) => ({ path, kind: "folder" }));
  entries.push({ path: "dev/console", kind: "character-device", major: 5, minor: 1 });
  const file = async (path: string, from: string, executable: boolean) =>
    entries.push({ path, kind: "file", data: await readFile(from), executable });
  await file("init", initrdInit, true);
  for (const tool of tools) await file(`bin/${tool}`, `${klibc}/bin/${tool}`, true);
  for (const library of (await readdir(klibc)).filter((name) => name.startsWith("klibc-")).sort()) {
    await file(`usr/lib/${library}`, `${klibc}/${library}`, true);
  }
  for (const module of (await readdir(modules)).sort()) await file(`modules/${module}`, `${modules}/${module}`, false);
  // klibc's programs name their library by /lib or /usr/lib, as Debian built them.
  entries.push({ path: "lib", kind: "link", target: "usr/lib" });
  return cpio(entries);
}
