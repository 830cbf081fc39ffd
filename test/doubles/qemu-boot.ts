import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { machineArch } from "../../images/recipe.ts";
import { run } from "../../tools/lib/run.ts";
import { commandOf, debianRoot } from "./debian-root.ts";
import type { OsFiles } from "./pi-bootloader.ts";
import { startTethered, type Tethered } from "./tethered.ts";

/**
 * What the files are started on: QEMU's Raspberry Pi 4, or a machine that only has a Pi 5's processor. QEMU knows no
 * BCM2712, so of a Pi 5's files the device tree and its overlays go unused, and what follows proves kernel, initramfs
 * and command line alone.
 */
export type QemuMachine = "raspi4b" | "virt";

export interface QemuStartOptions {
  readonly machine: QemuMachine;
  /** What the firmware has fetched. */
  readonly files: OsFiles;
  /** Where its network card is plugged in; of `virt` alone, for the kernel has no driver for what raspi4b has. */
  readonly network?: QemuNetwork;
  /** Words for the kernel that come after all others. */
  readonly parameters?: readonly string[];
}

export interface QemuNetwork {
  /** A bridge of this machine. */
  readonly bridge: string;
  readonly mac: string;
}

export interface QemuBootOptions extends QemuStartOptions {
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

/** A machine that was switched on. */
export interface RunningQemu {
  /** The lines of the serial console so far. */
  readonly console: readonly string[];
  /**
   * Waits for a line of the console; one that came already counts.
   * @throws Error with the end of the console when it does not come in time, or when the machine goes off before
   */
  sees(line: RegExp, deadline: number): Promise<void>;
  /** Waits until it goes off, as it does too where another would restart. @throws Error when it does not in time */
  goesOff(deadline: number): Promise<void>;
  /** Switches it off. */
  stop(): Promise<void>;
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
  return { command: (program, args) => commandOf(root, arch, `bin/${program}`, args) };
}

/**
 * Starts QEMU with these files, waits for a line on its serial console, and ends it.
 * @throws Error with the end of the console when the line does not come in time, or QEMU or the kernel ends before
 */
export async function bootInQemu({ until, deadline, ...options }: QemuBootOptions): Promise<QemuBoot> {
  const started = performance.now();
  const machine = await startQemu(options);
  try {
    await machine.sees(until, deadline);
  } finally {
    await machine.stop();
  }
  return { console: machine.console, seconds: (performance.now() - started) / 1000 };
}

/** Switches a machine on with these files. Whoever does it switches it off. */
export async function startQemu(options: QemuStartOptions): Promise<RunningQemu> {
  const { machine, files, network, parameters = [] } = options;
  const tools = await emulators();
  const folder = await mkdtemp(`${tmpdir()}/bramble-qemu-`);
  const write = async (name: string, content: Uint8Array | string) => {
    await writeFile(`${folder}/${name}`, content);
    return `${folder}/${name}`;
  };
  // The firmware translates serial0 and puts words of its own in front; QEMU's first port is ttyAMA0 on both machines.
  const words = [files.commandLine, ...parameters, "console=ttyAMA0,115200"];
  const args = [
    ...["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"],
    ...["-kernel", await write("kernel", files.kernel.bytes), "-append", words.join(" ")],
  ];
  if (files.initramfs !== undefined) args.push("-initrd", await write("initramfs", files.initramfs.bytes));
  if (machine === "raspi4b") args.push("-machine", "raspi4b", "-dtb", await deviceTree(tools, folder, files));
  else args.push("-machine", "virt", "-cpu", "cortex-a76", "-m", "1024");
  if (network !== undefined) {
    // QEMU makes the cable, so that it goes with QEMU however that ends; what plugs it in is a program of ours.
    const plug = await write("plug", `#!/bin/sh\nexec ip link set "$1" master ${network.bridge} up\n`);
    await chmod(plug, 0o755);
    args.push("-netdev", `tap,id=lan,script=${plug},downscript=no`);
    args.push("-device", `virtio-net-pci,netdev=lan,mac=${network.mac},romfile=`);
  }
  const { child, stop } = startTethered(tools.command("qemu-system-aarch64", args), folder);
  return { ...listenTo(child), stop };
}

type Waiting = (line: string | undefined) => void;

function listenTo(child: Tethered["child"]): Omit<RunningQemu, "stop"> {
  const console: string[] = [];
  const waiting = new Set<Waiting>();
  let isOff = false;
  const tell: Waiting = (line) => {
    for (const each of waiting) each(line);
  };
  const hear = (line: string) => {
    console.push(line.trimEnd());
    tell(line);
  };
  // A prompt has no end of line: as far as it came it is told too.
  let begun = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${begun}${text}`.split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) hear(line);
    tell(begun);
  });
  createInterface({ input: child.stderr }).on("line", hear);
  child.on("close", () => {
    isOff = true;
    tell(undefined);
  });
  const failure = (why: string) => new Error(`${why}; the console's end:\n${console.slice(-40).join("\n")}`);
  const wait = async (what: string, deadline: number, look: (line: string | undefined) => Error | boolean) => {
    let each: Waiting = () => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(failure(`${what} did not come within ${deadline / 1000} s`)), deadline);
        each = (line) => {
          const seen = look(line);
          if (seen instanceof Error) reject(seen);
          else if (seen) resolve();
        };
        for (const line of [...console, begun]) each(line);
        if (isOff) each(undefined);
        waiting.add(each);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(each);
    }
  };
  return {
    console,
    sees: (wanted, deadline) =>
      wait(String(wanted), deadline, (line) => {
        if (line === undefined) return failure("QEMU ended");
        if (wanted.test(line)) return true;
        return line.includes("end Kernel panic") && failure("the kernel panicked");
      }),
    goesOff: (deadline) => wait("its end", deadline, (line) => line === undefined),
  };
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
