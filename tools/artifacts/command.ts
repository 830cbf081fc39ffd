import { env, stdout } from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { lockPath } from "../../formats/artifact-lock.ts";
import { interruptible } from "../lib/interruption.ts";
import { projectRoot } from "../lib/paths.ts";
import { known } from "./known.ts";
import { addMirror, allMakers, type Mirrors, mirrorsFrom, mirrorVariable } from "./upstream.ts";

const help = `
Kernels, firmware and bootloaders are not in this repository. ${lockPath} says which version of each is used,
where it is had, and its SHA-256; it is written by \`update\`, and reviewed and committed like code. The files lie in
.bramble/artifacts, each under its hash, and what has another hash is never used.

alpine-packages-aarch64 are packages of the branch that alpine-rpi is of: those that boards ask for, and what these need,
with Alpine's signed indexes. Boards have them from the boot server, and none from the internet.

A k3s has its version and architecture in its name. It is one file for its nodes, packed from the program and the images
of its release. Where GitHub can't be reached, it is built from engine/k3s, with images for DNS and small pods alone, and
pinned on this machine only, in .bramble/artifacts.lock.json: it has another hash on every machine that builds it.

Examples:
  npm run bramble -- artifacts update k3s-v1.35.0+k3s3-x86_64        a k3s; minutes where it is built
  npm run bramble -- artifacts update                        pin what is published now, and download it
  npm run bramble -- artifacts update --check                only say what is newer (exit code 1)
  npm run bramble -- artifacts update alpine-rpi --version 3.24.4
  npm run bramble -- artifacts update alpine-packages-aarch64 --package chrony --package 'nfs-utils>=2.6'
  npm run bramble -- artifacts fetch                         download what the lock names, as on a new machine
  npm run bramble -- artifacts verify                        hash all of it again
  npm run bramble -- artifacts add my-kernel ./vmlinuz --version 6.18.35-mine

Without internet: copy .bramble/artifacts from a machine that has it, or name mirrors:
  npm run bramble -- artifacts fetch --mirror alpine=http://mirror.example/alpine
They count too when they stand in ${allMakers.map(mirrorVariable).join(", ")}.

Alpine keeps only the newest packages of a branch, so that pinned ones may be gone from it after some weeks. A boot
server still has those that its boards boot with (the address stands in alpine_repo= of a board's /proc/cmdline):
  npm run bramble -- artifacts fetch --packages http://SERVER:8080/packages/GENERATION`;

/** `bramble artifacts`: what boards boot from, pinned by hash. */
export function artifactsCommand(): Command {
  const command = new Command("artifacts")
    .description("the kernels, firmware, bootloaders and packages that boards boot from, pinned by hash")
    .addHelpText("after", help);
  const mirror = () =>
    new Option(
      "--mirror <name=address>",
      `use a mirror; names: ${allMakers.join(", ")}; may be given several times`,
    ).argParser(parseMirror);
  const quiet = () => new Option("-q, --quiet", "show no progress");

  command
    .command("update")
    .description("pin the newest version, or the given one; downloads and hashes it, and writes the lock")
    .argument("[names...]", "which; left out: those that the lock has")
    .option("--version <version>", "this version instead of the newest, for one artifact")
    .option("--check", "change nothing; only say what is newer, with exit code 1")
    .option("--package <word>", "pin this package too: chrony, chrony>=4.8; may be given several times", collect)
    .option("--key <file>", "trust indexes signed with this key too: a mirror's NAME.rsa.pub; several times", collect)
    .addOption(mirror())
    .addOption(quiet())
    .addHelpText("after", `\nKnown:\n${[...known].map(([name, { what }]) => `  ${name.padEnd(25)}${what}`).join("\n")}`)
    .action((names: string[], { package: words = [], key: keys = [], ...options }: UpdateFlags) =>
      ended(async (signal) => {
        const [{ updateArtifacts }, { alsoWanted, wantedWorlds }] = await Promise.all([
          import("./update.ts"),
          import("./wanted.ts"),
        ]);
        const wanted = alsoWanted(await wantedWorlds(projectRoot), words);
        const more = { wanted, keys, mirrors: mirrors(options), signal, say };
        return updateArtifacts({ project: projectRoot, names, ...options, ...more });
      }),
    );

  command
    .command("fetch")
    .description("download what the lock names and this machine lacks; with nothing to do, asks nobody")
    .argument("[names...]", "which; left out: all")
    .option("--packages <address>", "have pinned packages from a boot server, not from Alpine", parseAddress)
    .addOption(mirror())
    .addOption(quiet())
    .action((names: string[], options: { packages?: string; mirror?: Mirrors; quiet?: boolean }) =>
      ended(async (signal) => {
        const { fetchArtifacts } = await import("./fetch.ts");
        await fetchArtifacts({ project: projectRoot, names, ...options, mirrors: mirrors(options), signal, say });
        return true;
      }),
    );

  command
    .command("verify")
    .description("hash every file again; says what is missing or damaged, with exit code 1, and removes the damaged")
    .action(() =>
      ended(async () => {
        const { verifyArtifacts } = await import("./verify.ts");
        return verifyArtifacts(projectRoot, say);
      }),
    );

  command
    .command("list")
    .description("show what is pinned, and whether it is on this machine")
    .argument("[name]", "show the files in this archive, or these packages")
    .action(async (name: string | undefined) => {
      const { listArtifacts, listFiles } = await import("./list.ts");
      await (name === undefined ? listArtifacts(projectRoot, say) : listFiles(projectRoot, name, say));
    });

  command
    .command("add")
    .description("pin a file that you have: an own kernel, or one that was downloaded elsewhere")
    .argument("<name>", "what it is called in the lock and the site file")
    .argument("<file>", "the file; those in a .tar.gz are pinned too")
    .requiredOption("--version <version>", "its version, for people")
    .option("--url <address>", "where other machines can download it")
    .action((name: string, file: string, options: { version: string; url?: string }) =>
      ended(async (signal) => {
        const { addArtifact } = await import("./add.ts");
        await addArtifact({ project: projectRoot, name, file, ...options, signal, say });
        return true;
      }),
    );

  return command;
}

interface UpdateFlags {
  version?: string;
  check?: boolean;
  package?: string[];
  key?: string[];
  mirror?: Mirrors;
  quiet?: boolean;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** What the option says comes before what the environment says. */
function mirrors(options: { mirror?: Mirrors }): Mirrors {
  return { ...mirrorsFrom(env), ...options.mirror };
}

function parseAddress(text: string): string {
  if (!/^https?:\/\/[^\s/]+/.test(text)) throw new InvalidArgumentError("It is an address with http:// or https://.");
  return text.replace(/\/+$/, "");
}

function parseMirror(text: string, before: Mirrors | undefined): Mirrors {
  try {
    return addMirror(text, before);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** Runs work that Ctrl-C interrupts; false is exit code 1. */
async function ended(work: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  process.exitCode = await interruptible(async (signal) => ((await work(signal)) === false ? 1 : 0));
}

function say(line: string): void {
  stdout.write(`${line}\n`);
}
