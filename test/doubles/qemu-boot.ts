import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { machineArch } from "../../images/recipe.ts";
import { run } from "../../tools/lib/run.ts";
import { debianRoot } from "./debian-root.ts";
import type { OsFiles } from "./pi-bootloader.ts";
import { startTethered } from "./tethered.ts";

/**
 * What the files are started on: QEMU's Raspberry Pi 4, or a machine that only has a Pi 5's processor. QEMU knows no
 * BCM2712, so of a Pi 5's files the device tree and its overlays go unused, and what follows proves kernel, initramfs
 * and command line alone.
 */
export type QemuMachine = "raspi4b" | "virt";

export interface QemuBootOptions {
  readonly machine: QemuMachine;
  /** What the firmware has fetched. */
  readonly files: OsFiles;
  /** The line of the console that ends the boot. */
  readonly until: RegExp;
  /** Milliseconds that it may take. */
  readonly deadline: number;
}

export interface QemuBoot {
  /** The lines of the serial console, up to that one. */
  readonly console: readonly string[];
  readonly seconds: number;
}

/** QEMU 10, which has raspi4b, and the device tree compiler, whatever release this machine runs. */
export interface Emulators {
  /** The command that runs one of their programs, by their own loader and libraries. */
  command(program: string, args: readonly string[]): [string, ...string[]];
}

/** Fetches them where they are not there yet (36 MB). */
export async function emulators(): Promise<Emulators> {
  const arch = machineArch();
  const root = await debianRoot({ suite: "trixie", arch, packages: ["qemu-system-arm", "device-tree-compiler"] });
  const libraries = `${root}/usr/lib/${arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  const loader = `${libraries}/${arch === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2"}`;
  return {
    command: (program, args) => [loader, "--library-path", libraries, `${root}/usr/bin/${program}`, ...args],
  };
}

/**
 * Starts QEMU with these files, and waits for a line on its serial console.
 * @throws Error with the end of the console when the line does not come in time, or QEMU or the kernel ends before
 */
export async function bootInQemu({ machine, files, until, deadline }: QemuBootOptions): Promise<QemuBoot> {
  const tools = await emulators();
  const folder = await mkdtemp(`${tmpdir()}/bramble-qemu-`);
  const write = async (name: string, content: Uint8Array) => {
    await writeFile(`${folder}/${name}`, content);
    return `${folder}/${name}`;
  };
  const args = [
    ...["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"],
    ...["-kernel", await write("kernel", files.kernel.bytes)],
    // The firmware translates serial0 and puts words of its own in front; QEMU's first port is ttyAMA0 on both machines.
    ...["-append", `${files.commandLine} console=ttyAMA0,115200`],
  ];
  if (files.initramfs !== undefined) args.push("-initrd", await write("initramfs", files.initramfs.bytes));
  if (machine === "raspi4b") args.push("-machine", "raspi4b", "-dtb", await deviceTree(tools, folder, files));
  else args.push("-machine", "virt", "-cpu", "cortex-a76", "-m", "1024");

  const started = performance.now();
  const { child, stop } = startTethered(tools.command("qemu-system-aarch64", args), folder);
  const console: string[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (why: string) => reject(new Error(`${why}; the console's end:\n${console.slice(-40).join("\n")}`));
      const timer = setTimeout(() => giveUp(`${until} did not come within ${deadline / 1000} s`), deadline);
      const hear = (line: string) => {
        console.push(line.trimEnd());
        if (until.test(line)) resolve();
        else if (line.includes("end Kernel panic")) giveUp("the kernel panicked");
      };
      createInterface({ input: child.stdout }).on("line", hear);
      createInterface({ input: child.stderr }).on("line", hear);
      child.on("close", () => {
        clearTimeout(timer);
        giveUp("QEMU ended");
      });
    });
  } finally {
    await stop();
  }
  return { console, seconds: (performance.now() - started) / 1000 };
}

/**
 * The device tree as the firmware hands it over, overlays applied, but without the HDMI block at 0x7ef00000: QEMU does
 * not emulate it, and a kernel that looks for it there dies of a bus error. What else QEMU lacks, it takes out itself.
 */
async function deviceTree(tools: Emulators, folder: string, { deviceTree, overlays }: OsFiles): Promise<string> {
  const path = `${folder}/board.dtb`;
  await writeFile(path, deviceTree.bytes);
  for (const [index, { bytes }] of overlays.entries()) {
    await writeFile(`${folder}/${index}.dtbo`, bytes);
    await run(tools.command("fdtoverlay", ["-i", path, "-o", path, `${folder}/${index}.dtbo`]));
  }
  const { stdout } = await run(tools.command("fdtget", ["-l", path, "/soc"]));
  for (const node of stdout.split("\n").filter((name) => /@7ef0[0-9a-f]{4}$/.test(name))) {
    await run(tools.command("fdtput", ["-t", "s", path, `/soc/${node}`, "status", "disabled"]));
  }
  return path;
}
