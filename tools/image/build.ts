import { mkdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import type { Arch, Recipe } from "../../images/recipe.ts";
import { RunError, run } from "../lib/run.ts";
import { initrd } from "./initrd.ts";
import { describeChange, type Manifest, mismatches, renewCommand } from "./manifest.ts";
import type { Mirror } from "./mirror.ts";
import { availableVersions, fetchLists, proxySettings } from "./packages.ts";

export interface BuildOptions {
  readonly recipe: Recipe;
  readonly arch: Arch;
  readonly manifest: Manifest;
  /** The image's name and the hash it ends with, in full. */
  readonly name: string;
  readonly hash: string;
  readonly mirror: Mirror;
  readonly keyring: string;
  readonly signal?: AbortSignal | undefined;
  readonly say: (line: string) => void;
}

/**
 * Builds disk.qcow2, kernel and initrd in the folder `out`, working in the folder `scratch`; both exist and are empty.
 * Needs no loop device and no mount of its own: mmdebstrap makes a tar, the mkfs.ext4 inside it makes the file system.
 * @throws Error when the mirror has other versions than the manifest, before anything is built.
 */
export async function build(out: string, scratch: string, options: BuildOptions): Promise<void> {
  const { manifest, mirror, say } = options;
  say(`asking ${mirror.address} (${mirror.from}) for the ${manifest.packages.size} packages of the manifest`);
  await checkMirror(`${scratch}/apt`, options);
  say("installing them into a new root");
  await makeRoot(scratch, options);
  await checkRoot(`${scratch}/boot/status`, manifest);
  say("making the disk");
  await writeFile(`${out}/initrd`, await initrd(`${scratch}/boot/klibc`, `${scratch}/boot/modules`));
  await rename(`${scratch}/boot/kernel`, `${out}/kernel`);
  await makeDisk(`${out}/disk.qcow2`, scratch, options);
}

async function checkMirror(
  folder: string,
  { recipe, arch, manifest, mirror, keyring, signal }: BuildOptions,
): Promise<void> {
  await mkdir(folder);
  const apt = await fetchLists(folder, { mirror, suite: recipe.suite, arch, keyring, signal });
  const available = await availableVersions(apt, [...manifest.packages.keys()]);
  const changed = mismatches(manifest.packages, available, false);
  await rm(folder, { recursive: true });
  if (changed.length > 0) throw new StaleManifestError(recipe.name, mirror, changed.map(describeChange));
}

/** The mirror has moved on. The message names each package, the version wanted and the one there. */
export class StaleManifestError extends Error {
  constructor(image: string, mirror: Mirror, changes: readonly string[]) {
    const shown = changes.slice(0, 20).map((change) => `\n  ${change}`);
    const more = changes.length > 20 ? `\n  and ${changes.length - 20} more` : "";
    super(
      `The mirror ${mirror.address} (${mirror.from}) no longer has what ${image} is pinned to (wanted → there):${shown.join("")}${more}\n` +
        `To move to the versions that are there now: ${renewCommand}. That is a new image, so the next \`up\` replaces the machines made of it. ` +
        "To keep the present one, name a mirror that still has these versions with --mirror.",
    );
    this.name = "StaleManifestError";
  }
}

/** Packages into a root, the recipe's files and script over it, and all of it into one sorted tar. */
async function makeRoot(scratch: string, options: BuildOptions): Promise<void> {
  const { recipe, manifest, name, hash, mirror, keyring } = options;
  const asRoot = process.getuid?.() === 0;
  const proxies = await proxySettings();
  await layFiles(`${scratch}/files.tar`, options);
  await runHere(
    [
      "mmdebstrap",
      `--mode=${asRoot ? "root" : "unshare"}`,
      "--variant=essential",
      `--architectures=${manifest.arch}`,
      `--include=${[...manifest.packages].map(([each, version]) => `${each}=${version}`).join(",")}`,
      `--keyring=${keyring}`,
      '--aptopt=Acquire::Languages "none"',
      ...proxies.map(([key, value]) => `--aptopt=${key} "${value}"`),
      "--dpkgopt=force-unsafe-io",
      ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
      `--customize-hook=tar-in ${quoted(`${scratch}/files.tar`)} /`,
      '--customize-hook=chroot "$1" /bin/sh /customize.sh',
      `--customize-hook=copy-out /boot ${quoted(scratch)}`,
      '--customize-hook=rm -rf "$1"/boot/* "$1"/customize.sh "$1"/recipe.sh "$1"/tmp/* "$1"/var/tmp/*',
      manifest.suite,
      `${scratch}/root.tar`,
      `deb ${mirror.address} ${recipe.suite} main`,
    ],
    options,
    // Only root may keep its unpacked root anywhere; the users of unshare need a folder that all may enter.
    { BRAMBLE_IMAGE: name, BRAMBLE_IMAGE_HASH: hash, LC_ALL: "C.UTF-8", ...(asRoot ? { TMPDIR: scratch } : {}) },
  );
}

/** The recipe's files and script as a tar that has the same bytes for every checkout: owners, modes and times are set. */
async function layFiles(path: string, options: BuildOptions): Promise<void> {
  const { base, folder } = options.recipe;
  const same = [
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u+w,a+rX,go-w",
    `--mtime=@${epoch(options.manifest)}`,
  ];
  const scripts = ["-C", base, "customize.sh", "-C", folder, "recipe.sh"];
  await runHere(["tar", "-cf", path, ...same, ...scripts, "-C", `${base}/files`, "."], options);
}

/** Nothing may have slipped in or changed on the way: what dpkg has installed is what the manifest says. */
async function checkRoot(statusFile: string, manifest: Manifest): Promise<void> {
  const differing = mismatches(manifest.packages, installedPackages(await readFile(statusFile, "utf8")), true);
  if (differing.length === 0) return;
  throw new Error(
    `The new root does not hold what the manifest says (wanted → there):\n  ${differing.map(describeChange).join("\n  ")}`,
  );
}

/** Reads dpkg's status file. */
export function installedPackages(status: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const paragraph of status.split("\n\n")) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(paragraph)?.[1] ?? "";
    if (field("Status") === "install ok installed") found.set(field("Package"), field("Version"));
  }
  return found;
}

/**
 * The tar as an ext4 file system on a whole disk. mkfs.ext4 and its libraries come out of the new root, started by
 * the root's own loader: so its version, and with it each byte, is the manifest's and not this machine's.
 */
async function makeDisk(disk: string, scratch: string, options: BuildOptions): Promise<void> {
  const tools = `${scratch}/tools`;
  await mkdir(tools);
  const wanted = [
    "./usr/sbin/mke2fs",
    "./etc/mke2fs.conf",
    "./usr/lib/*-linux-gnu/lib*.so*",
    "./usr/lib/*-linux-gnu/ld-linux-*",
  ];
  await runHere(
    [
      "tar",
      "-xf",
      `${scratch}/root.tar`,
      "-C",
      tools,
      "--no-same-owner",
      "--wildcards",
      "--no-wildcards-match-slash",
      ...wanted,
    ],
    options,
  );
  const triplet = options.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const loader = options.arch === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2";
  const libraries = `${tools}/usr/lib/${triplet}`;
  const raw = `${scratch}/disk.raw`;
  await writeFile(raw, "");
  await truncate(raw, options.recipe.virtualSize);
  const id = uuid(options.hash);
  await runHere(
    [
      `${libraries}/${loader}`,
      "--library-path",
      libraries,
      `${tools}/usr/sbin/mke2fs`,
      ...["-q", "-F", "-t", "ext4", "-L", "root", "-m", "1", "-U", id],
      // Initialised here, where it costs nothing, so that the guest need not at its first boot.
      ...["-E", `hash_seed=${id},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`],
      ...["-d", `${scratch}/root.tar`, raw],
    ],
    options,
    { MKE2FS_CONFIG: `${tools}/etc/mke2fs.conf`, LD_LIBRARY_PATH: libraries },
  );
  await runHere(
    ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd", raw, disk],
    options,
  );
}

/** Runs a step of the build; what a failed one said is cut to lines that can be read. */
async function runHere(
  command: readonly [string, ...string[]],
  { manifest, signal }: BuildOptions,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  try {
    await run(command, {
      env: { ...process.env, SOURCE_DATE_EPOCH: epoch(manifest), ...env },
      // Its own group, so that an interruption waits until mmdebstrap has cleaned up after itself.
      ownGroup: true,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (!(error instanceof RunError) || signal?.aborted) throw error;
    const said = error.message.split("\n").map((line) => (line.length > 200 ? `${line.slice(0, 200)} …` : line));
    throw new Error(`Building the image failed.\n${said.join("\n")}`, { cause: error });
  }
}

/** Not in the image: documentation, translations, and what no guest of ours ever opens. */
const leftOut = [
  ...["man", "doc", "info", "locale", "i18n", "lintian", "bug", "X11"].map((name) => `/usr/share/${name}/*`),
  // The initial RAM disk is made by the builder; the package's own would only take time.
  "/etc/kernel/postinst.d/initramfs-tools",
];

/** Seconds since 1970. */
function epoch(manifest: Manifest): string {
  return String(Date.parse(manifest.time) / 1000);
}

/** A UUID of version 8 (RFC 9562: anybody's own) made of a hash. */
function uuid(hash: string): string {
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** As mmdebstrap's special hooks read words: like a shell. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
