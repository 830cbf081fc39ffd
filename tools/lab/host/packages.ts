import { readFile } from "node:fs/promises";
import { tryRun } from "../../lib/run.ts";

export interface Distribution {
  /** As the system calls itself: "Debian GNU/Linux 12 (bookworm)". */
  name: string;
  /** Debian, Ubuntu or made from one of them, so that apt-get and Debian's package names hold. */
  debian: boolean;
}

export interface Package {
  name: string;
  /** What of the lab does not work without it. */
  why: string;
}

export interface InstallOptions {
  signal?: AbortSignal;
  /** Called with each line that apt-get prints. */
  onLine?: (line: string) => void;
}

/** Packages are missing and this process may not, or cannot, install them; the message holds the command that does. */
export class MissingPackagesError extends Error {
  readonly missing: readonly string[];
  constructor(missing: readonly string[], message: string) {
    super(message);
    this.name = "MissingPackagesError";
    this.missing = missing;
  }
}

/** The packages that a Debian or Ubuntu machine of this processor architecture (Node's word) needs to hold a lab. */
export function neededPackages(arch: string = process.arch): Package[] {
  return [
    { name: "libvirt-daemon-system", why: "runs the VMs" },
    { name: "libvirt-daemon-driver-qemu", why: "lets libvirt run QEMU" },
    { name: "libvirt-clients", why: "virsh, which looks after the VMs" },
    { name: arch === "arm64" ? "qemu-system-arm" : "qemu-system-x86", why: "is the VMs' machine" },
    { name: "qemu-utils", why: "qemu-img, which makes their disks" },
    { name: "dnsmasq-base", why: "answers DNS in the lab's network" },
    { name: "iproute2", why: "tells which addresses are free" },
    { name: "genisoimage", why: "mkisofs, which writes the VMs' seeds" },
    { name: "xsltproc", why: "shapes the VMs' definitions" },
    { name: "mmdebstrap", why: "builds the guest image" },
    { name: "debian-archive-keyring", why: "checks the guest image's packages" },
    { name: "openssh-client", why: "logs in to the VMs" },
  ];
}

/** Reads os-release(5). */
export function parseOsRelease(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value.replace(/^(["'])(.*)\1$/, "$2"));
  }
  const ids = [fields.get("ID") ?? "", ...(fields.get("ID_LIKE") ?? "").split(" ")];
  return {
    name: fields.get("PRETTY_NAME") ?? fields.get("ID") ?? "an unknown system",
    debian: ids.includes("debian") || ids.includes("ubuntu"),
  };
}

/** What dpkg-query tells as `name<tab>status` lines, as the names that are really installed. */
export function parseInstalled(listing: string): Set<string> {
  const lines = listing.split("\n").map((line) => line.split("\t"));
  return new Set(lines.flatMap(([name, status]) => (name !== undefined && status === "installed" ? [name] : [])));
}

/** Those of the packages that are not installed, in their order. */
export async function missingPackages(names: readonly string[]): Promise<string[]> {
  // Exit code 1 says that some are unknown to dpkg, and these are what is asked for.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format.
  const listing = await tryRun(["dpkg-query", "-W", "-f", "${Package}\\t${db:Status-Status}\\n", ...names]);
  const installed = parseInstalled(listing.stdout);
  return names.filter((name) => !installed.has(name));
}

/**
 * Sees to it that every needed package is installed, and returns the names of those that it installed.
 * @throws MissingPackagesError when this process is not root or the system is not Debian's or Ubuntu's.
 */
export async function ensurePackages(options: InstallOptions = {}): Promise<string[]> {
  const needed = neededPackages();
  const distribution = parseOsRelease(await osRelease());
  if (!distribution.debian) throw new MissingPackagesError([], notDebian(distribution, needed));
  const missing = await missingPackages(needed.map(({ name }) => name));
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0) throw new MissingPackagesError(missing, notRoot(needed, missing));
  await installPackages(missing, options);
  return missing;
}

/** Installs packages with apt-get, and fetches the package lists first where they are missing or too old. */
export async function installPackages(names: readonly string[], options: InstallOptions = {}): Promise<void> {
  const first = await aptGet(["install", ...names], options);
  if (first.code === 0) return;
  if (!needsFreshLists(first.stderr)) throw new Error(aptFailed(names, first.stderr));
  const update = await aptGet(["update"], options);
  // A source that does not answer fails the update, but need not be the one that has the packages.
  const second = await aptGet(["install", ...names], options);
  if (second.code !== 0) throw new Error(aptFailed(names, update.code === 0 ? second.stderr : update.stderr));
}

/** Whether apt-get failed in a way that `apt-get update` may heal: no lists yet, or a version that the mirror dropped. */
export function needsFreshLists(stderr: string): boolean {
  return /Unable to locate package|has no installation candidate|Failed to fetch|Unable to fetch some archives/.test(
    stderr,
  );
}

function aptGet(args: readonly string[], { signal, onLine }: InstallOptions) {
  const settings = ["DPkg::Lock::Timeout=300", "Dpkg::Use-Pty=0", "Acquire::Retries=3", "Acquire::http::Timeout=20"];
  const command = ["-q", "-y", "--no-install-recommends", ...settings.flatMap((setting) => ["-o", setting]), ...args];
  return tryRun(["apt-get", ...command], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1", LC_ALL: "C.UTF-8" },
    ...(signal === undefined ? {} : { signal }),
    ...(onLine === undefined ? {} : { onLine }),
  });
}

function aptFailed(names: readonly string[], stderr: string): string {
  const said = stderr.trim().split("\n").slice(-8).join("\n");
  const command = `apt-get update && apt-get install --no-install-recommends ${names.join(" ")}`;
  return `apt-get could not install packages that the lab needs:\n${said}\nSee to that, run \`${command}\`, and try again.`;
}

function notRoot(needed: readonly Package[], missing: readonly string[]): string {
  const list = needed.filter(({ name }) => missing.includes(name)).map(({ name, why }) => `  ${name} (${why})`);
  const command = `sudo apt-get install --no-install-recommends ${missing.join(" ")}`;
  return `The lab needs packages that are not installed:\n${list.join("\n")}\nInstall them with\n  ${command}\nand try again.`;
}

function notDebian(distribution: Distribution, needed: readonly Package[]): string {
  const list = needed.map(({ name, why }) => `  ${name} (${why})`).join("\n");
  return `The lab runs on Debian and Ubuntu; this is ${distribution.name}. There it needs what these packages hold:\n${list}`;
}

async function osRelease(): Promise<string> {
  if (process.platform !== "linux")
    throw new Error("the lab runs VMs with libvirt and needs Linux: use a Debian or Ubuntu machine");
  return await readFile("/etc/os-release", "utf8");
}
