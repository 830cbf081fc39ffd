import type { SystemFile } from "./alpine-system.ts";
import { octal, shown } from "./alpine-wording.ts";

/** All that is wrong with the files of a layer, by absolute path. */
export function fileMistakes(files: Readonly<Record<string, SystemFile>>): string[] {
  return Object.entries(files).flatMap(([path, file]) => {
    const shape = pathMistake(path);
    if (shape !== undefined) return [`files: ${shape}`];
    const found = [reservedMistake(path), hostMistake(path, file.text), ...contentMistakes(path, file)];
    return found.filter((mistake) => mistake !== undefined).map((mistake) => `files: ${path} ${mistake}`);
  });
}

/** What is wrong with a file wherever it lies: a secret, its mode, its owner, or its text. */
export function contentMistakes(path: string, file: SystemFile): string[] {
  const found = [secretMistake(path, file.text), modeMistake(file), ownerMistake(file), textMistake(file.text)];
  return found.filter((mistake) => mistake !== undefined);
}

/** The folders in which files of an image may be; in others apk or the kernel would put something in their place. */
export const allowedRoots = ["etc", "root", "home", "usr/local", "var/lib", "srv", "opt"] as const;

/** Longest path in an overlay: that of a tar header without extension (reference "Alpine diskless" §2.3 #5). */
export const longestPath = 100;

/** What is wrong with the place of a file, and what to do; undefined if nothing is. */
export function pathMistake(path: string): string | undefined {
  const what = shown(path, 120);
  const parts = path.slice(1).split("/");
  if (!path.startsWith("/")) return `${what} does not begin with a slash: give the whole path, as /etc/motd`;
  if (!/^[A-Za-z0-9._@+:=,/-]+$/.test(path))
    return `${what} has other characters than letters, digits and . _ @ + : = , -`;
  if (parts.includes("")) return `${what} has an empty part: remove the slash that is too many`;
  if (parts.some((part) => part === "." || part === ".."))
    return `${what} has the part . or ..: name the folder itself`;
  if (parts.some((part) => part.startsWith("-")))
    return `${what} has a part that begins with -: programs take it for an option`;
  if (path.length - 1 > longestPath) return `${what} is longer than ${longestPath} characters: use shorter names`;
  if (allowedRoots.some((root) => path.startsWith(`/${root}/`))) return undefined;
  return `${what} is outside of ${allowedRoots.map((root) => `/${root}`).join(", ")}: files of an image are in those`;
}

/** A file that holds a secret; anybody on the LAN can fetch an image. */
function secretMistake(path: string, text: string): string | undefined {
  const [name = ""] = path.split("/").slice(-1);
  const what = secretTexts.find(([pattern]) => pattern.test(text))?.[1];
  if (what !== undefined) return `holds ${what}, and ${publicImage}`;
  if (!secretNames.some((pattern) => pattern.test(name))) return undefined;
  return `has the name of a secret file, and ${publicImage}`;
}

const publicImage =
  "anybody on the LAN can fetch an image: secrets reach a board over SSH, or with its identity at boot. Leave it out";

const secretNames: readonly RegExp[] = [
  /^ssh_host_[a-z0-9_]+_key$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /^g?shadow-?$/,
  /^munge\.key$/,
  /^(node|agent|server)-token$/,
  /\.(p12|pfx|jks)$/,
];

const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----/, "a private key"],
  [/PuTTY-User-Key-File-\d/, "a private key"],
  [/AGE-SECRET-KEY-1[0-9A-Z]/, "a private key"],
  [/^\s*PrivateKey\s*=\s*[A-Za-z0-9+/]{43}=/m, "a private key"],
  [/^\s*psk\s*=\s*\S/m, "the key of a wireless network"],
  [/\bK3S_(AGENT_)?TOKEN=["']?[A-Za-z0-9]/, "the token of a cluster"],
  [/(^|[:\s"'=])\$(1|2[abxy]?|5|6|7|y|gy)\$[A-Za-z0-9./$=,]{20,}/m, "the hash of a password"],
];

/** Paths that are made from other parts of a layer, or that would change what those mean. */
function reservedMistake(path: string): string | undefined {
  return reserved.find(([pattern]) => pattern.test(path))?.[1];
}

const reserved: readonly (readonly [RegExp, string])[] = [
  [/^\/etc\/runlevels\//, "is made from services: name the service there"],
  [/^\/etc\/apk\/world$/, "is made from packages: name them there"],
  [/^\/etc\/apk\/arch$/, "is made from the profile's architecture: leave it out"],
  [/^\/etc\/apk\/repositories(\.d\/|$)/, "comes from the kernel command line (alpine_repo=): leave it out"],
  [/^\/etc\/(passwd|group|shadow|gshadow)-?$/, "is made from users: name them there"],
  [/^\/(root|home\/[^/]+)\/\.ssh\/authorized_keys2?$/, "is made from users: give the user's keys there"],
  [/^\/etc\/modules$/, "is made from modules: name them there"],
  [/^\/etc\/sysctl\.d\/bramble\.conf$/, "is made from sysctls: give them there"],
  [/^\/etc\/bramble\/(image|layers)$/, "is written into every image: leave it out"],
  [/^\/var\/lib\/misc\/openrc-shutdowntime$/, "is written into every image: leave it out"],
  [/^\/etc\/\.default_boot_services$/, "would add services to those that are named: name them in services"],
];

/** What is a machine's own, and would be the same on all boards of a profile. */
function hostMistake(path: string, text: string): string | undefined {
  const own = hostFiles.find(([pattern]) => pattern.test(path))?.[1];
  if (own !== undefined) return `belongs to one machine, and all boards of a profile have the same image: ${own}`;
  const isInterfaces = /^\/etc\/network\/interfaces(\.d\/|$)/.test(path);
  const addresses = [...text.matchAll(/^\s*address\s+(\S+)/gm)].filter(
    ([, address = ""]) => !/^(127\.|::1)/.test(address),
  );
  if (!isInterfaces || addresses.length === 0) return undefined;
  return `gives the address ${addresses[0]?.[1]}, and all boards of a profile have the same image: leave addresses to DHCP or the board's seed`;
}

const hostFiles: readonly (readonly [RegExp, string])[] = [
  [/^\/etc\/hostname$/, "the board's seed says its name. Leave it out"],
  [/^\/(etc|var\/lib\/dbus)\/machine-id$/, "each board makes one at boot. Leave it out"],
  [/^\/etc\/hostid$/, "it is made at boot. Leave it out"],
  [/^\/etc\/fstab$/, "a mount that a board lacks makes it unbootable. Describe the storage instead"],
  [/^\/etc\/ssh\/ssh_host_/, "the boot server answers each board with its own host key. Leave it out"],
];

function modeMistake({ mode = 0o644 }: SystemFile): string | undefined {
  if (!Number.isInteger(mode) || mode < 0) return `has the mode ${mode}: give one as 0o644`;
  if (mode > 0o777)
    return `has the mode ${octal(mode)}: files of an image have no set-user-id, set-group-id or sticky bit`;
  if ((mode & 0o002) !== 0) return `has the mode ${octal(mode)}: every process could write to it. Take 0644 or less`;
  return (mode & 0o400) === 0
    ? `has the mode ${octal(mode)}: its owner could not read it. Take 0400 or more`
    : undefined;
}

function ownerMistake({ uid = 0, gid = 0 }: SystemFile): string | undefined {
  const wrong = [uid, gid].find((id) => !Number.isInteger(id) || id < 0 || id > 65_534);
  return wrong === undefined ? undefined : `belongs to ${wrong}: give numbers of a user and a group, up to 65534`;
}

function textMistake(text: string): string | undefined {
  if (text.isWellFormed() && !text.includes("\0")) return undefined;
  return "is no text: it has NUL or half a character in it";
}
