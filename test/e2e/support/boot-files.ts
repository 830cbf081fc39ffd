import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { run } from "../../../tools/lib/run.ts";
import { initramfsModules } from "../../doubles/alpine-initramfs.ts";
import { debianRoot } from "../../doubles/debian-root.ts";
import { emulators } from "../../doubles/qemu-boot.ts";

/** A kernel and firmware for boards, as Debian has them. */
export interface PiSystem {
  /** The folder that they are unpacked in. */
  readonly root: string;
  /** As `uname -r` says it. */
  readonly release: string;
  /** Kernel modules for the initial RAM disk, and those that boards load later. */
  readonly modules: string;
}

/** Modules that a board with a bridge needs, in the order in which they need each other. */
export const laterModules = ["llc", "stp", "bridge"] as const;

export async function piSystem(): Promise<PiSystem> {
  const root = await debianRoot({
    suite: "trixie",
    components: "main non-free-firmware",
    arch: "arm64",
    packages: ["linux-image-arm64", "raspi-firmware", "busybox-static"],
    modules: [...initramfsModules, ...laterModules],
  });
  const [image = ""] = (await readdir(`${root}/boot`)).filter((name) => name.startsWith("vmlinuz-"));
  const release = image.replace("vmlinuz-", "");
  return { root, release, modules: `${root}/usr/lib/modules/${release}` };
}

/** What an archive like Alpine's for Raspberry Pis has in it; firmware, kernel and device trees are real ones. */
export async function piBootFiles(
  { root, release }: PiSystem,
  { initramfs, modloop }: { readonly initramfs: Buffer; readonly modloop: Buffer },
): Promise<Record<string, Buffer>> {
  const deviceTrees = `${root}/usr/lib/linux-image-${release}/broadcom`;
  const pi5DeviceTree = await readFile(`${deviceTrees}/bcm2712-rpi-5-b.dtb`);
  return {
    "start4.elf": await readFile(`${root}/usr/lib/raspi-firmware/start4.elf`),
    "fixup4.dat": await readFile(`${root}/usr/lib/raspi-firmware/fixup4.dat`),
    "bcm2711-rpi-4-b.dtb": await readFile(`${deviceTrees}/bcm2711-rpi-4-b.dtb`),
    "bcm2712-rpi-5-b.dtb": pi5DeviceTree,
    // Raspberry Pi's kernels have one for the chip's other stepping; this one does not.
    "bcm2712d0-rpi-5-b.dtb": pi5DeviceTree,
    "overlays/bramble-test.dtbo": await compiledOverlay("bramble-test"),
    "overlays/bcm2712d0.dtbo": await compiledOverlay("bramble-d0"),
    "boot/vmlinuz-rpi": await readFile(`${root}/boot/vmlinuz-${release}`),
    "boot/initramfs-rpi": initramfs,
    "boot/modloop-rpi": modloop,
  };
}

/** An overlay that leaves a mark at the root of the device tree. */
async function compiledOverlay(mark: string): Promise<Buffer> {
  const source = `/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { ${mark} = "applied"; }; }; };`;
  const folder = await mkdtemp(`${tmpdir()}/bramble-overlay-`);
  try {
    await writeFile(`${folder}/source`, source);
    const dtc = ["-I", "dts", "-O", "dtb", "-@", "-o", `${folder}/overlay`, `${folder}/source`];
    await run((await emulators()).command("dtc", dtc));
    return await readFile(`${folder}/overlay`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
