import { access, constants, statfs } from "node:fs/promises";
import { delimiter } from "node:path";

/** Programs that a build starts, and the Debian package each is in. */
const programs: ReadonlyMap<string, string> = new Map([
  ["mmdebstrap", "mmdebstrap"],
  ["apt-get", "apt"],
  ["tar", "tar"],
  ["qemu-img", "qemu-utils"],
]);

export const defaultKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Bytes that a build needs at its peak: the unpacked root, its tar, the disk and the finished image. */
const buildSpace = 2 * 1024 ** 3;

/**
 * The Debian packages that this machine lacks for building an image, for an installer to take.
 * The keyring is one too: on Debian it is always there, on Ubuntu it is not.
 */
export async function missingPackages(keyring: string = keyringPath()): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [program, debianPackage] of programs) if (!(await onPath(program))) missing.push(debianPackage);
  if (!(await exists(keyring, constants.R_OK))) missing.push("debian-archive-keyring");
  return missing;
}

/** @throws Error naming what to install, or how much disk is free and needed. */
export async function checkBuildable(folder: string): Promise<void> {
  const missing = await missingPackages();
  if (missing.length > 0) {
    throw new Error(
      `Building a guest image needs packages that are not installed. As root: apt-get install ${missing.join(" ")}`,
    );
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < buildSpace) {
    throw new Error(
      `Building a guest image needs ${gib(buildSpace)} of free disk; ${folder} has ${gib(bavail * bsize)}.`,
    );
  }
}

/** The keys that Debian's package lists must be signed with. */
export function keyringPath(): string {
  return process.env.BRAMBLE_DEBIAN_KEYRING || defaultKeyring;
}

async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) if (await exists(`${folder}/${program}`, constants.X_OK)) return true;
  return false;
}

async function exists(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
