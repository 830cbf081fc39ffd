import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { env } from "node:process";
import { createInterface } from "node:readline";
import { makers } from "../../tools/artifacts/upstream.ts";
import { download } from "../../tools/lib/download.ts";
import { unlessAbsent } from "../../tools/lib/files.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { RunError, type RunOptions, type RunResult, run, tryRun } from "../../tools/lib/run.ts";

export type AlpineArch = "aarch64" | "x86_64";

/** A folder with Alpine's mini root filesystem, and so with the real apk and busybox. */
export interface AlpineRoot {
  /** Where it lies on this machine; a test may write into it. */
  readonly path: string;
  readonly arch: AlpineArch;
  /**
   * Runs a command in it (chroot), as root, with its own mounts, processes, host name and an unconnected network, all of
   * which end with the command. aarch64 programs run under qemu. @throws RunError for an exit code other than 0
   */
  run(command: readonly [string, ...string[]], options?: AlpineRunOptions): Promise<RunResult>;
  /** Like `run`, but an exit code other than 0 is an answer. */
  tryRun(command: readonly [string, ...string[]], options?: AlpineRunOptions): Promise<RunResult>;
  /** Removes the folder. */
  remove(): Promise<void>;
}

export interface AlpineRunOptions extends Omit<RunOptions, "cwd" | "ownGroup"> {
  /** The network: none but its own 127.0.0.1, or this machine's. */
  readonly network?: "none" | "host";
}

/** Unpacks a fresh one into a temporary folder: a quarter of a second. Whoever makes it removes it. */
export async function makeAlpineRoot(arch: AlpineArch = "x86_64"): Promise<AlpineRoot> {
  const archive = await minirootfs(arch);
  const emulation = arch === "aarch64" && process.arch !== "arm64" ? await emulateAarch64() : undefined;
  const path = await mkdtemp(`${tmpdir()}/bramble-alpine-root-`);
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    await emulation?.end();
  };
  try {
    await run(["tar", "-xzpf", archive, "-C", path, "--numeric-owner"]);
  } catch (error) {
    await remove();
    throw error;
  }
  const tryIt: AlpineRoot["tryRun"] = (command, { network = "none", env: own, ...options } = {}) => {
    const namespaces = ["--mount", "--pid", "--uts", "--ipc", ...(network === "none" ? ["--net"] : [])];
    return tryRun(
      ["unshare", ...namespaces, "--fork", "--kill-child", "--", "sh", "-c", enter, "sh", path, network, ...command],
      { ...options, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C", ...own } },
    );
  };
  return {
    path,
    arch,
    tryRun: tryIt,
    run: async (command, options) => {
      const result = await tryIt(command, options);
      if (result.code !== 0) throw new RunError(command, result);
      return result;
    },
    remove,
  };
}

/** Where a mini root filesystem may lie; in the first one is put what is downloaded. */
const folders = [`${projectRoot}/.bramble/alpine`, `${projectRoot}/../shared/artifacts`] as const;

/** What is downloaded where there is none: of one release, by Alpine's SHA-256. */
const release = {
  version: "3.20.3",
  sha256: {
    aarch64: "041fa34a81788242df9e78fa69b97ab45b8ec47ddbf88864755610414a7bf3de",
    x86_64: "d4e6fd67dcf75e40c451560ac7265166c2b72a0f38ddc9aae756a7de3d1efa0c",
  },
} as const;

/** The newest mini root filesystem that is there, or else Alpine's. @throws Error that says where one is to be put */
export async function minirootfs(arch: AlpineArch): Promise<string> {
  const given = env.BRAMBLE_TEST_ALPINE;
  for (const folder of given === undefined ? folders : [given]) {
    const found = await newestIn(folder, arch);
    if (found !== undefined) return found;
  }
  if (given !== undefined) throw new Error(`${given} has no alpine-minirootfs-VERSION-${arch}.tar.gz, ${wayOut}`);
  const file = `alpine-minirootfs-${release.version}-${arch}.tar.gz`;
  const url = `${makers.alpine}/v3.20/releases/${arch}/${file}`;
  const partial = `${folders[0]}/${randomUUID()}`;
  await mkdir(folders[0], { recursive: true });
  try {
    await download(url, partial, { sha256: release.sha256[arch] });
    await rename(partial, `${folders[0]}/${file}`);
  } catch (error) {
    await rm(partial, { force: true });
    throw new Error(`${folders[0]} has no ${file}, ${wayOut}`, { cause: error });
  }
  return `${folders[0]}/${file}`;
}

const wayOut =
  'which this test runs apk in. Download the "Mini root filesystem" from https://alpinelinux.org/downloads/ into it, ' +
  "or name its folder in BRAMBLE_TEST_ALPINE";

async function newestIn(folder: string, arch: AlpineArch): Promise<string | undefined> {
  const names = (await readdir(folder).catch(unlessAbsent)) ?? [];
  const collator = new Intl.Collator("en", { numeric: true });
  const found = names
    .filter((name) => name.startsWith("alpine-minirootfs-") && name.endsWith(`-${arch}.tar.gz`))
    .sort(collator.compare)
    .at(-1);
  return found === undefined ? undefined : `${folder}/${found}`;
}

/** Devices are bound, not made: a temporary folder may be mounted without devices. */
const enter = `
set -e
root=$1 network=$2
shift 2
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do
  : >>"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
[ "$network" = host ] || ip link set lo up
exec chroot "$root" "$@"`;

interface Emulation {
  end(): Promise<void>;
}

/** What a program is known by as aarch64's, as Debian's qemu-aarch64.conf has it; for a shell's printf, and the kernel. */
const aarch64 = {
  magic: String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  mask: String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
};
const emulator = "/usr/bin/qemu-aarch64-static";

/**
 * Has the kernel run programs for aarch64 by qemu, until it is ended or this process is gone, however it went. Each has
 * an entry of its own in binfmt_misc, so that nobody takes away what another still uses. Flag F: the kernel opens qemu
 * now, so that a chroot need not have it.
 */
async function emulateAarch64(): Promise<Emulation> {
  if (!existsSync(emulator)) throw new Error(`There is no ${emulator}: apt-get install qemu-user-static`);
  const name = `bramble-${randomUUID()}`;
  const entry = `:${name}:M::${aarch64.magic}:${aarch64.mask}:${emulator}:F`;
  const child = spawn("unshare", ["--mount", "--", "sh", "-c", register, "sh", name, entry], { stdio: "pipe" });
  const gone = once(child, "close");
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString("utf8");
  });
  const end = async () => {
    child.stdin.end();
    await gone;
  };
  for await (const line of createInterface({ input: child.stdout })) if (line === "ready") return { end };
  await end();
  throw new Error(`the kernel takes no emulator for aarch64: ${complaint.trim()}`);
}

const register = `
trap : INT TERM HUP
set -e
folder=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc binfmt_misc "$folder"
printf %s "$2" >"$folder/register"
echo ready
set +e
cat >/dev/null
echo -1 >"$folder/$1"`;
