import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { cwd, stdin, stdout } from "node:process";
import { Argument, Command, Option } from "commander";
import { parseName } from "../../site/names.ts";
import { show } from "../../site/problem.ts";
import { checkText } from "../site/check.ts";
import { stacksFolder } from "../stack/chosen.ts";
import { type ClusterKind, clusterKinds, type NewBoard, type NewSite, siteText } from "./site-text.ts";

interface Flags {
  readonly base?: string;
  readonly cidr?: string;
  readonly gateway?: string;
  readonly mode?: string;
  readonly board: readonly NewBoard[];
  readonly cluster?: ClusterKind;
}

const examples = `
On a terminal, what is not given is asked for. A board is its name and keys of the site file:

  npm run bramble -- init home --cidr 10.20.0.0/24 --gateway 10.20.0.1 --cluster slurm \\
    --board "tower model=pc connect=local cores=8 memory=32GiB" \\
    --board "pi1 model=pi5 memory=8GiB serial=7a1c0b2f9ffefd01 mac=2c:cf:67:00:00:01 address=10.20.0.11"
  npm run bramble -- init staging --base home.yaml     over another site file: then only what differs

It never changes a file that is there. Exit codes: 0 written, 1 not written, 2 wrong use.`;

/** `bramble init`: a site file to begin with, which is right from the start. */
export function initCommand(): Command {
  return new Command("init")
    .description("write the site file of a new stack, from flags or questions")
    .addArgument(new Argument("<site>", "name of the site and its stack, such as home"))
    .option("--base <file>", "a site file in stacks/ that this one is to be laid over")
    .option("--cidr <network>", "the network that the VMs are in, such as 10.20.0.0/24")
    .option("--gateway <address>", "its router, such as 10.20.0.1")
    .addOption(new Option("--mode <mode>", "how VMs are on the network").choices(["bridge", "isolated", "nat"]))
    .option("--board <words>", "a machine: its name, then KEY=VALUE as in the site file; once for each", addBoard, [])
    .addOption(new Option("--cluster <kind>", "the cluster to begin with").choices(clusterKinds))
    .addHelpText("after", examples)
    .action(async (site: string, flags: Flags) => await init(site, flags));
}

async function init(name: string, flags: Flags): Promise<void> {
  const parsed = parseName(name);
  if (!("value" in parsed)) throw new Error(`${parsed.message}: ${parsed.hint}.`);
  const file = join(stacksFolder, `${name}.yaml`);
  if (existsSync(file))
    throw new Error(`${shown(file)} is there already, and init changes no file. Edit it, or choose another name.`);
  const text = siteText(await completed(name, flags));
  const { ok, text: said } = await checkText(file, text);
  if (!ok) {
    stdout.write(said);
    throw new Error(`Nothing was written. The file would have been:\n${numbered(text)}`);
  }
  await writeFile(file, text, { flag: "wx" });
  stdout.write(`${shown(file)} is written.\n${said}${next(name)}`);
}

/** What the flags say; the rest is asked for on a terminal. @throws Error that names the flags that are needed elsewhere. */
async function completed(name: string, flags: Flags): Promise<NewSite> {
  const { base, cidr, gateway, mode, board: boards, cluster } = flags;
  const given = { name, base, cidr, gateway, mode, boards };
  // Over a base, nothing is needed.
  if (base !== undefined) return { ...given, cluster: cluster ?? "none" };
  const missing = [
    ...(cidr === undefined ? ["--cidr 10.20.0.0/24"] : []),
    ...(gateway === undefined && (mode ?? "bridge") === "bridge" ? ["--gateway 10.20.0.1"] : []),
    ...(boards.length === 0 ? ['--board "NAME model=… memory=…"'] : []),
    ...(cluster === undefined ? [`--cluster ${clusterKinds.join("|")}`] : []),
  ];
  if (missing.length === 0) return { ...given, cluster: cluster ?? "none" };
  if (stdin.isTTY && stdout.isTTY) {
    const { askForTheRest } = await import("./questions.ts");
    return await askForTheRest({ ...given, cluster });
  }
  throw new Error(`There is no terminal to ask on. Give these as well, or --base FILE:\n  ${missing.join("\n  ")}`);
}

/** Reads `pi1 model=pi5 memory=8GiB`; which keys there are is for the check of the file. */
function addBoard(words: string, before: readonly NewBoard[]): NewBoard[] {
  const [name = "", ...pairs] = words.trim().split(/\s+/);
  const parsed = parseName(name);
  if (!("value" in parsed)) throw new Error(`--board: ${parsed.message}: ${parsed.hint}.`);
  if (before.some((board) => board.name === name)) throw new Error(`--board: there are two boards ${name}.`);
  const keys = new Map<string, string>();
  // A public key is two words.
  for (const pair of pairs.join(" ").split(/ (?=[A-Za-z]+=)/)) {
    const [, key, value] = /^([A-Za-z]+)=(.+)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      throw new Error(`--board: ${show(pair)} is not KEY=VALUE, such as memory=8GiB.`);
    if (keys.has(key)) throw new Error(`--board: ${name} has two values for ${key}.`);
    keys.set(key, value);
  }
  return [...before, { name, keys: Object.fromEntries(keys) }];
}

function next(name: string): string {
  const steps = [
    [`npm run bramble -- check stacks/${name}.yaml`, "after each change to it; docs/site.md explains the keys"],
    ["npm run setup", "once: Pulumi and its plugins, into .bramble/"],
    [`export BRAMBLE_STACK=${name} PULUMI_CONFIG_PASSPHRASE_FILE=FILE`, "a file with a passphrase that you choose"],
    ["npm run bramble -- secret new", `the site's one secret, encrypted into stacks/Pulumi.${name}.yaml`],
    ["npm run preview", "what would be done; asks no host"],
    ["npm run up", ""],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  return `\nNext:\n${steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`.trimEnd()).join("\n")}\n`;
}

function numbered(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line, index) => `${String(index + 1).padStart(4)}  ${line}`)
    .join("\n");
}

function shown(path: string): string {
  return relative(cwd(), path);
}
