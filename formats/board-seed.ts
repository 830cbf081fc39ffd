import { octal } from "./alpine-wording.ts";
import { cloudConfig, yaml } from "./nocloud.ts";
import { checkedIpv4, checkedNumber } from "./server-values.ts";

/** What a diskless board is told about itself at each boot. Anybody on its network can read it. */
export interface BoardSeed {
  readonly hostname: string;
  /** Another value makes the board a new one for who reads the NoCloud files. */
  readonly instanceId: string;
  readonly network: BoardNetwork;
  /** Where the board asks for its SSH host key. */
  readonly identityUrl: string;
  /** Files of the board's own, by path without leading slash. */
  readonly files: Readonly<Record<string, { readonly text: string; readonly mode: number }>>;
}

export interface BoardNetwork {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway?: string;
  readonly dns: readonly string[];
  /** A bridge over `eth0` that has the address in its place, for guests. */
  readonly bridge?: string;
}

/** A Raspberry Pi's own network interface, as Alpine names it. */
const nic = "eth0";
/** Makes the bridge, on boards that may have guests; it comes with their image. */
const bridgeScript = "/usr/local/lib/bramble/bridge";
/** Where a board may be given files: none that its packages have programs in. */
const roots = ["etc/", "opt/", "srv/", "usr/local/", "var/"] as const;
/** What says who may log in and what is started: that is the image's, whatever the network says. */
const imagesOwn = /^etc\/(apk|group|init\.d|passwd|runlevels|shadow|ssh)(\/|-|$)/;

/**
 * The seed of a board, texts by path below its folder: the four files of a NoCloud data source, and for a shell script,
 * which can read no YAML: `board` (lines `KEY=VALUE` that a shell may source, since no value has a character that means
 * something to it), `interfaces` (for ifupdown-ng), `files` (lines `0644 etc/exports`) and the files below `files.d/`,
 * an `etc/resolv.conf` among them where the network has name servers.
 * Formats: cloud-init's "NoCloud" data source; tiny-cloud's meta-data
 * `network-interfaces` (reference "Alpine boot" §5, §6.3). Throws, naming the field, if a value cannot stand in it, and
 * for a text with a private key.
 */
export function boardSeed({ hostname, instanceId, network, identityUrl, files }: BoardSeed): Record<string, string> {
  const { address, prefixLength, gateway = "", dns } = checkedNetwork(network);
  checked(
    "hostname",
    hostname,
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "a host name of lower-case letters, digits and -",
  );
  checked("instanceId", instanceId, /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "one word of letters, digits and . _ -");
  checked(
    "identityUrl",
    identityUrl,
    /^http:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[A-Za-z0-9._-]+)*$/,
    "a URL with http and without a query",
  );
  const interfaces = interfacesText(network);
  const resolvConf = { text: dns.map((server) => `nameserver ${server}\n`).join(""), mode: 0o644 };
  const all: BoardSeed["files"] = { ...(dns.length === 0 ? {} : { "etc/resolv.conf": resolvConf }), ...files };
  const paths = Object.keys(all).sort();
  for (const path of paths) checkPath(path, paths);
  const own = paths.map((path): [string, string] => [`files.d/${path}`, publicText(path, all[path]?.text ?? "")]);
  const index = paths.map((path) => `${modeDigits(path, all[path]?.mode ?? 0o644)} ${path}\n`);
  const board = {
    HOSTNAME: hostname,
    ADDRESS: address,
    PREFIX_LENGTH: String(prefixLength),
    GATEWAY: gateway,
    IDENTITY_URL: identityUrl,
  };
  return {
    "meta-data": yaml({ "instance-id": instanceId, "local-hostname": hostname, "network-interfaces": interfaces }),
    "user-data": userData,
    "vendor-data": "",
    // Asked for, and applied by nothing on such a board: its network is in the meta-data, and in `interfaces`.
    "network-config": "",
    board: Object.entries(board)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
    interfaces,
    files: index.join(""),
    ...Object.fromEntries(own),
  };
}

/** Nobody new, and nothing of cloud-init's own: it would replace the host key and let the settings of sshd go. */
const userData = cloudConfig({
  users: [],
  disable_root: false,
  ssh_pwauth: false,
  ssh_deletekeys: false,
  ssh_genkeytypes: [],
});

/** For a bridge, the script of the image prepares it: what ifupdown does with one depends on the tools it finds. */
function interfacesText({ address, prefixLength, gateway, bridge }: BoardNetwork): string {
  const lines = [
    `auto ${bridge ?? nic}`,
    `iface ${bridge ?? nic} inet static`,
    ...(bridge === undefined ? [] : [`\tpre-up ${bridgeScript} ${bridge} ${nic}`]),
    `\taddress ${address}/${prefixLength}`,
    ...(gateway === undefined ? [] : [`\tgateway ${gateway}`]),
  ];
  return `auto lo\niface lo inet loopback\n\n${lines.join("\n")}\n`;
}

function checkedNetwork(network: BoardNetwork): BoardNetwork {
  const { address, prefixLength, gateway, dns, bridge } = network;
  checkedIpv4("network.address", address);
  checkedNumber("network.prefixLength", prefixLength, 8, 30);
  if (gateway !== undefined) checkedIpv4("network.gateway", gateway);
  for (const [index, server] of dns.entries()) checkedIpv4(`network.dns.${index}`, server);
  if (bridge !== undefined) {
    checked("network.bridge", bridge, /^[a-z][a-z0-9-]{0,14}$/, "a name of up to 15 lower-case letters, digits and -");
    if (bridge === nic || bridge === "lo") throw refusal("network.bridge", bridge, "another name than its interface");
  }
  return network;
}

function checkPath(path: string, all: readonly string[]): void {
  const field = "files";
  checked(
    field,
    path,
    /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/,
    "a path without leading slash, of letters, digits and . _ -, no part of which begins with a dot",
  );
  if (!roots.some((root) => path.startsWith(root))) throw refusal(field, path, `a path below ${roots.join(", ")}`);
  if (imagesOwn.test(path))
    throw new Error(`files: ${path} is a board's image's own, and never its seed's: put it into a layer`);
  const inside = all.find((other) => other.startsWith(`${path}/`));
  if (inside !== undefined) throw new Error(`files: ${path} is a file, and ${inside} lies in a folder of that name`);
}

/** @throws Error for what nobody else may read; the text is not shown. */
function publicText(path: string, text: string): string {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----|b3BlbnNzaC1rZXktdjE/.test(text))
    throw new Error(
      `files: ${path} holds a private key, and anybody on the boards' network can read a seed: leave it out`,
    );
  return text;
}

function modeDigits(path: string, mode: number): string {
  if (!Number.isInteger(mode) || mode < 0o400 || mode > 0o777)
    throw new Error(
      `files: ${path} has the mode ${mode}: give one from 0400 to 0777, without set-user-ID and sticky bits`,
    );
  const digits = octal(mode);
  if ((mode & 0o002) !== 0)
    throw new Error(`files: ${path} has the mode ${digits}, with which anybody could write to it`);
  return digits;
}

function checked(field: string, value: string, pattern: RegExp, wanted: string): void {
  if (!pattern.test(value)) throw refusal(field, value, wanted);
}

function refusal(field: string, value: string, wanted: string): Error {
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return new Error(`${field}: ${JSON.stringify(shown)} cannot be used: give ${wanted}`);
}
