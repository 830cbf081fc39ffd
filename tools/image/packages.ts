import { mkdir, writeFile } from "node:fs/promises";
import { run } from "../lib/run.ts";
import type { Mirror } from "./mirror.ts";

/** An apt of our own: its lists and its status lie in one folder, and it knows one mirror; the machine's is not touched. */
export interface PrivateApt {
  /** Environment in which apt-get and apt-cache work on it. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

export interface PrivateAptOptions {
  readonly mirror: Mirror;
  readonly suite: string;
  /** Parts of the archive, with spaces between them; main alone where nothing is said. */
  readonly components?: string;
  readonly arch: string;
  readonly keyring: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes it in an empty folder and fetches the mirror's list of packages, signatures checked.
 * @throws Error saying which mirror does not answer, or that its signature is by no key of the keyring.
 */
export async function fetchLists(folder: string, options: PrivateAptOptions): Promise<PrivateApt> {
  const { mirror, suite, components = "main", arch, keyring, signal } = options;
  await mkdir(`${folder}/lists/partial`, { recursive: true });
  await mkdir(`${folder}/cache/archives/partial`, { recursive: true });
  await writeFile(`${folder}/status`, "");
  await writeFile(
    `${folder}/sources.list`,
    `deb [arch=${arch} signed-by=${keyring}] ${mirror.address} ${suite} ${components}\n`,
  );
  const settings = [
    ...["Main", "Parts", "SourceParts", "Preferences", "PreferencesParts", "Trusted", "TrustedParts"].map(
      (name) => [`Dir::Etc::${name}`, "/dev/null"] as const,
    ),
    ["Dir::Etc::SourceList", `${folder}/sources.list`],
    ["Dir::State", folder],
    ["Dir::State::Lists", `${folder}/lists`],
    ["Dir::State::Status", `${folder}/status`],
    ["Dir::Cache", `${folder}/cache`],
    ["APT::Architecture", arch],
    ["APT::Install-Recommends", "false"],
    ["APT::Sandbox::User", ""],
    ["Acquire::Languages", "none"],
    ["Acquire::Retries", "1"],
    ["Acquire::http::Timeout", "20"],
    ["Acquire::https::Timeout", "20"],
    ...(await proxySettings()),
  ];
  const lines = settings.map(([name, value]) => `${name} "${value}";\n`).join("");
  await writeFile(`${folder}/apt.conf`, `${lines}#clear APT::Architectures;\nAPT::Architectures { "${arch}"; };\n`);
  const apt = { env: { ...process.env, APT_CONFIG: `${folder}/apt.conf`, LC_ALL: "C" }, signal };
  try {
    await run(["apt-get", "update", "-q", "--error-on=any"], apt);
  } catch (error) {
    if (!(error instanceof Error) || signal?.aborted) throw error;
    const key = /NO_PUBKEY|not signed|EXPKEYSIG/.test(error.message)
      ? `\n${keyring} does not know the keys of Debian "${suite}": install a newer debian-archive-keyring, or point BRAMBLE_DEBIAN_KEYRING to its file.`
      : "\nSet another mirror with --mirror or BRAMBLE_DEBIAN_MIRROR.";
    throw new Error(
      `The mirror ${mirror.address} (${mirror.from}) gives no packages of Debian "${suite}".\n${error.message}${key}`,
    );
  }
  return apt;
}

/** The version that the mirror has of each package; those it does not have are left out. */
export async function availableVersions(apt: PrivateApt, names: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await run(["apt-cache", "policy", ...names], apt);
  return parsePolicy(stdout);
}

/** The packages and versions that an installation of those asked for comes to, with Debian's essential ones. */
export async function resolvePackages(apt: PrivateApt, asked: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await run(["apt-get", "install", "--simulate", "--assume-yes", essential, ...asked], apt);
  return parseSimulation(stdout);
}

/** Debian's essential packages. The pattern alone has apt too, which counts itself in. */
const essential = "?and(?essential, ?not(?exact-name(apt)))";

/** Reads `apt-cache policy A B …`. */
export function parsePolicy(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let name = "";
  for (const line of text.split("\n")) {
    name = /^(\S+?)(?::[a-z0-9]+)?:$/.exec(line)?.[1] ?? name;
    const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== "(none)") found.set(name, candidate);
  }
  return found;
}

/** Reads the `Inst NAME (VERSION …)` lines of `apt-get install --simulate`. */
export function parseSimulation(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/^Inst (\S+?)(?::\S+)? \((\S+) /gm)) found.set(match[1] ?? "", match[2] ?? "");
  return found;
}

/** The machine's proxies, which its own apt configuration names and the private one must keep. */
export async function proxySettings(): Promise<readonly (readonly [string, string])[]> {
  const { stdout } = await run(["apt-config", "dump", "Acquire"]);
  return [...stdout.matchAll(/^(Acquire::\S*(?:proxy|proxy-auto-detect)\S*) "(.+)";$/gim)].map(
    (match) => [match[1] ?? "", match[2] ?? ""] as const,
  );
}
