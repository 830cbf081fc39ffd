import * as z from "zod";
import {
  cidrPattern,
  ipv4Pattern,
  macPattern,
  parseCidr,
  parseIpv4,
  parseMac,
  parseRange,
  rangePattern,
} from "./addresses.ts";
import { groupNamePattern, namePattern, parseGroupName, parseName, parseUserName, userNamePattern } from "./names.ts";
import { type Parsed, show } from "./problem.ts";
import { parseHostKey, parseUserKey } from "./ssh-public-key.ts";
import { durationPattern, parseDuration, parseSize, printSize, sizePattern } from "./units.ts";

/**
 * The kinds of values in a site file: each a zod schema from what a person writes to what the model holds, with a
 * pattern and examples for editors.
 */

/** Memory, in MiB. */
export const memory = (least: number) => text("bad-size", sizePattern, ["4GiB"], atLeast(least));
/** Disk space, in GiB. */
export const disk = (least: number) =>
  text("bad-size", sizePattern, ["16GiB"], (size) => wholeGiB(atLeast(least * 1024)(size)));
/** Seconds. */
export const duration = () => text("bad-time", durationPattern, ["30m"], parseDuration);
export const ipv4 = (example = "10.20.0.11") => text("bad-address", ipv4Pattern, [example], parseIpv4);
export const cidr = () => text("bad-network", cidrPattern, ["10.20.0.0/24"], parseCidr);
export const range = () => text("bad-range", rangePattern, ["10.20.0.101-10.20.0.119"], parseRange);
export const mac = () => text("bad-mac", macPattern, ["dc:a6:32:00:00:01"], parseMac);
export const serial = () => text("bad-serial", "^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{16})$", ["10000000abcdef01"], parseSerial);
export const userKey = () => text("bad-key", undefined, ["ssh-ed25519 AAAA… alice"], parseUserKey);
export const hostKey = () => text("bad-key", "^ssh-ed25519 ", ["ssh-ed25519 AAAA…"], parseHostKey);
export const timeServer = () => text("bad-address", undefined, ["10.20.0.1"], parseTimeServer);
export const bootLine = (example: string) => text("bad-line", bootLinePattern, [example], parseBootLine);
export const bridge = () => text("bad-name", interfacePattern, ["br0"], parseInterface);
export const folder = (example = "/var/lib/libvirt/bramble") =>
  text("bad-folder", folderPattern, [example], parseFolder);
/** A folder, or the name of something in the site file that is one. */
export const folderOrName = () =>
  text("bad-folder", `${folderPattern}|${namePattern}`, ["shelf"], (written) =>
    written.startsWith("/") ? parseFolder(written) : parseName(written),
  );
export const drive = () => text("bad-drive", drivePattern, ["nvme-Samsung_970_EVO_S1-part1"], parseDrive);
/** One line in somebody's words. */
export const reason = () => text("bad-line", bootLinePattern, ["unplugged"], parseBootLine);
/** A line in somebody's words. */
export const words = (example: string) => text("bad-line", wordsPattern, [example], parseWords);
/** What a refusal calls the change that it refuses. */
export const planWord = () => text("bad-plan", planWordPattern, ["p3f2a9c41"], parsePlanWord);
export const name = (example = "pi1") => text("bad-name", namePattern, [example], parseName);
/** What something is called in stacks/artifacts.lock.json. */
export const artifact = (example: string) => text("bad-name", artifactPattern, [example], parseArtifact);
export const groupName = () => text("bad-name", groupNamePattern, ["n"], parseGroupName);
export const userName = () => text("bad-name", userNamePattern, ["alice"], parseUserName);
export const count = (least: number, most: number) => z.int().min(least).max(most);

/** One of some words. */
export const choice = <const Words extends readonly [string, ...string[]]>(...words: Words) => z.enum(words);

/** Text that is read by `parse`. `rule` names the rule that a refusal is of; `pattern` is for editors. */
export function text<T>(
  rule: string,
  pattern: string | undefined,
  examples: readonly string[],
  parse: (text: string) => Parsed<T>,
) {
  const described = z.string().meta({ examples: [...examples], ...(pattern === undefined ? {} : { pattern }) });
  return described.transform((written, context) => {
    const parsed = parse(written);
    if ("value" in parsed) return parsed.value;
    context.addIssue({ code: "custom", message: parsed.message, params: { rule, hint: parsed.hint } });
    return z.NEVER;
  });
}

function atLeast(least: number): (text: string) => Parsed<number> {
  return (size) => {
    const parsed = parseSize(size);
    if (!("value" in parsed) || parsed.value >= least) return parsed;
    return { message: `${show(size)} is too little`, hint: `use at least ${printSize(least)}` };
  };
}

function wholeGiB(parsed: Parsed<number>): Parsed<number> {
  if (!("value" in parsed)) return parsed;
  if (parsed.value % 1024 === 0) return { value: parsed.value / 1024 };
  const rounded = Math.ceil(parsed.value / 1024);
  return { message: `${parsed.value}MiB is not a whole number of GiB`, hint: `write ${rounded}GiB` };
}

function parseSerial(serial: string): Parsed<string> {
  if (/^([0-9a-f]{8}|[0-9a-f]{16})$/i.test(serial)) return { value: serial.toLowerCase() };
  const hint = "write the 8 or 16 hex digits of the line Serial in /proc/cpuinfo, in quotes and with all zeros";
  return { message: `${show(serial)} is not the serial number of a Raspberry Pi`, hint };
}

function parseTimeServer(server: string): Parsed<string> {
  const looksLikeAddress = /^[\d.]+$/.test(server);
  const isName =
    server.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(server);
  if (looksLikeAddress ? "value" in parseIpv4(server) : isName) return { value: server };
  return {
    message: `${show(server)} is neither an IPv4 address nor a host name`,
    hint: "write 10.20.0.1 or pool.ntp.org",
  };
}

/** Linux's names of network interfaces: 15 characters (IFNAMSIZ). */
const interfacePattern = "^[A-Za-z][A-Za-z0-9._-]{0,14}$";

function parseInterface(bridge: string): Parsed<string> {
  if (new RegExp(interfacePattern).test(bridge)) return { value: bridge };
  return {
    message: `${show(bridge)} cannot be the name of a bridge`,
    hint: "use the name that `ip link` shows, such as br0",
  };
}

/** One line of what boards read before there is a system: printable ASCII, and short enough for every firmware. */
const bootLinePattern = "^[!-~]([ -~]{0,95}[!-~])?$";

function parseBootLine(line: string): Parsed<string> {
  if (new RegExp(bootLinePattern).test(line)) return { value: line };
  const hint = "write one line of at most 97 printable ASCII characters, without spaces around it";
  return { message: `${show(line)} cannot stand in a file that a board boots from`, hint };
}

const wordsPattern = "^[!-~]([ -~]{0,198}[!-~])?$";

function parseWords(line: string): Parsed<string> {
  if (new RegExp(wordsPattern).test(line)) return { value: line };
  const hint = "write one line of at most 200 printable ASCII characters, without spaces around it";
  return { message: `${show(line)} is not a line of words`, hint };
}

/** Begins with a letter, so that YAML never takes it for a number. */
const planWordPattern = "^p[0-9a-f]{8}$";

function parsePlanWord(word: string): Parsed<string> {
  if (new RegExp(planWordPattern).test(word)) return { value: word };
  const hint = "copy the word from the refusal that the preview prints: p and eight hex digits";
  return { message: `${show(word)} names no change`, hint };
}

const artifactPattern = "^[a-z0-9][a-z0-9_-]{0,62}$";

function parseArtifact(name: string): Parsed<string> {
  if (new RegExp(artifactPattern).test(name)) return { value: name };
  const hint =
    "use at most 63 lower-case letters, digits, hyphens and underscores, as `npm run bramble -- artifacts list` shows them";
  return { message: `${show(name)} is no name in stacks/artifacts.lock.json`, hint };
}

const folderPattern = "^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$";

function parseFolder(folder: string): Parsed<string> {
  if (folder.length <= 200 && new RegExp(folderPattern).test(folder)) return { value: folder };
  const hint = "write a full path of letters, digits and . _ - only, such as /var/lib/libvirt/bramble";
  return { message: `${show(folder)} is not a folder that can be used`, hint };
}

/** Names that udev gives; none of them is like sda1 or nvme0n1, which are other disks after a reboot. */
const drivePattern = "^[a-z0-9]+-[A-Za-z0-9][A-Za-z0-9._:+-]{0,120}$";

function parseDrive(written: string): Parsed<string> {
  const name = written.replace(/^\/dev\/disk\/by-id\//, "");
  if (new RegExp(drivePattern).test(name)) return { value: name };
  const hint = "write the name that `ls -l /dev/disk/by-id` shows for the partition, such as usb-Samsung_T7_S5T-part1";
  return { message: `${show(written)} is not a drive's lasting name`, hint };
}
