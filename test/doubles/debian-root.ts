import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import type { Arch } from "../../images/recipe.ts";
import { chooseMirror } from "../../tools/image/mirror.ts";
import { fetchLists } from "../../tools/image/packages.ts";
import { keyringPath } from "../../tools/image/requirements.ts";
import { readIfThere } from "../../tools/lib/files.ts";
import { workFolder } from "../../tools/lib/paths.ts";
import { run } from "../../tools/lib/run.ts";
import { inTurn } from "../../tools/lib/turn.ts";

/** Packages of a Debian release, of any architecture, whatever this machine runs itself. */
export interface DebianRootRequest {
  readonly suite: string;
  readonly components?: string;
  readonly arch: Arch;
  readonly packages: readonly string[];
  /** Kernel modules to keep of them, as `virtio_net`, no longer packed; all others are left out. */
  readonly modules?: readonly string[];
}

/**
 * A folder with the files of these packages and all that they depend on, unpacked and not installed. It is made once,
 * from what the mirror has on that day, by apt, which checks each package against the release's signature; after that
 * it needs no network. The folder is named after the packages' hashes.
 */
export async function debianRoot(request: DebianRootRequest): Promise<string> {
  const { suite, components = "main", arch, packages, modules = [] } = request;
  const wanted = [...[...packages].sort(), ...(modules.length === 0 ? [] : ["modules", ...[...modules].sort()])];
  const record = `${rootsFolder}/${sha256([suite, components, arch, ...wanted].join(" "))}`;
  const there = await recorded(record);
  if (there !== undefined) return there;
  const turn = { onWait: () => {}, signal: new AbortController().signal }; // files of tests may run at once
  return await inTurn(`${rootsFolder}/lock`, "the unpacking of Debian packages", turn, async () => {
    const since = await recorded(record);
    if (since !== undefined) return since;
    // What a run that was killed left; this process holds the lock, so nobody is at work in it.
    for (const name of await readdir(rootsFolder))
      if (name.startsWith(scratchPrefix)) await rm(`${rootsFolder}/${name}`, { recursive: true });
    const scratch = await mkdtemp(`${rootsFolder}/${scratchPrefix}`);
    try {
      const made = await make(scratch, { suite, components, arch, packages, modules });
      await writeFile(`${scratch}/record`, `${made}\n`);
      await rename(`${scratch}/record`, record);
      return `${rootsFolder}/${made}`;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** The command that runs a program of such a folder on this machine, by that folder's own loader and libraries. */
export function commandOf(root: string, arch: Arch, program: string, args: readonly string[]): [string, ...string[]] {
  const libraries = `${root}/usr/lib/${arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  const loader = `${libraries}/${arch === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2"}`;
  return [loader, "--library-path", libraries, `${root}/usr/${program}`, ...args];
}

async function recorded(record: string): Promise<string | undefined> {
  const name = await readIfThere(record);
  return name === undefined ? undefined : `${rootsFolder}/${name.trim()}`;
}

const scratchPrefix = ".making-";
const rootsFolder = `${workFolder}/debian`;

/** What no program of these looks at, and what takes more room than all the rest. */
const leftOut = ["./usr/lib/modules", "./usr/share/doc", "./usr/share/locale", "./usr/share/man"];

/** Gives the name of the folder that it made. */
async function make(scratch: string, request: Required<DebianRootRequest>): Promise<string> {
  const { suite, components, arch, packages, modules } = request;
  const mirror = await chooseMirror(undefined, suite);
  const apt = await fetchLists(scratch, { mirror, suite, components, arch, keyring: keyringPath() });
  await run(["apt-get", "install", "--download-only", "--assume-yes", "-q", ...packages], apt);
  const archives = `${scratch}/cache/archives`;
  const names = (await readdir(archives)).filter((name) => name.endsWith(".deb")).sort();
  const root = `${scratch}/root`;
  await mkdir(root);
  const hashes: string[] = [];
  for (const name of names) {
    hashes.push(sha256(await readFile(`${archives}/${name}`)));
    await run([
      "bash",
      "-c",
      unpack,
      "bash",
      `${archives}/${name}`,
      root,
      ...leftOut.map((path) => `--exclude=${path}`),
    ]);
    // The package with a kernel's modules is named after its release, which begins with a digit.
    if (modules.length > 0 && /^linux-image-\d/.test(name)) {
      const patterns = modules.map((module) => `*/${module}.ko*`);
      await run(["bash", "-c", unpack, "bash", `${archives}/${name}`, root, "--wildcards", ...patterns]);
      await run(["find", `${root}/usr/lib/modules`, "-name", "*.ko.xz", "-exec", "busybox", "unxz", "{}", ";"]);
    }
  }
  const made = sha256([...hashes.sort(), ...modules].join("\n")).slice(0, 16);
  await rm(`${rootsFolder}/${made}`, { recursive: true, force: true });
  await rename(root, `${rootsFolder}/${made}`);
  return made;
}

const unpack = `
set -euo pipefail
package=$1 root=$2
shift 2
dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --no-same-owner "$@"`;

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
