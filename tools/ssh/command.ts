import { spawn } from "node:child_process";
import { Command } from "commander";
import { list, show } from "../../site/problem.ts";
import { requireRunnerPrograms } from "../setup/programs.ts";
import { chosenStack } from "../stack/chosen.ts";
import { siteAccess } from "../stack/stacks.ts";

/** `bramble ssh VM`: a shell on a machine of the site, with its host key checked. */
export function sshCommand(): Command {
  return new Command("ssh")
    .description("log in to a VM or host of the site as root, with the site's key and a checked host key")
    .argument("<machine>", "its name in the site, such as physics-controller")
    .argument("[command...]", "run this there instead of a shell")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .passThroughOptions()
    .action(async (machine: string, command: string[], options: { stack?: string }) => {
      process.exitCode = await ssh(chosenStack(options.stack), machine, command);
    });
}

/** Runs OpenSSH's client on the terminal and gives its exit code. @throws Error when the site has no such machine. */
export async function ssh(stack: string, machine: string, command: readonly string[]): Promise<number> {
  requireRunnerPrograms(["ssh"]);
  const { site, keyFolder } = await siteAccess(stack);
  const machines = new Map<string, { address: string; user: string }>([
    ...site.hosts.flatMap(({ name, address, user }) =>
      address === undefined ? [] : [[name, { address, user }] as const],
    ),
    ...site.vms.map(({ name, address }) => [name, { address, user: "root" }] as const),
  ]);
  const found = machines.get(machine);
  if (found === undefined) {
    throw new Error(
      `The site ${site.name} has no machine ${show(machine)} to log in to; it has ${list([...machines.keys()], 20)}.`,
    );
  }
  const options = [
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${keyFolder}/known_hosts`,
    "GlobalKnownHostsFile=/dev/null",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
  ].flatMap((option) => ["-o", option]);
  const args = [...options, "-i", `${keyFolder}/deploy-key`, "-l", found.user, found.address, ...command];
  const child = spawn("ssh", args, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 130));
  });
}
