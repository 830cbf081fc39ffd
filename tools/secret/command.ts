import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { cwd, stdout } from "node:process";
import { Argument, Command } from "commander";
import { parseDocument } from "yaml";
import { certAuthorityLine } from "../../formats/ssh-certificate.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { KeyPurpose } from "../../site/model.ts";
import { printProblems } from "../../site/problem.ts";
import { readStackConfig, siteFile } from "../../stacks/read-stack.ts";
import { chosenStack, stacksFolder } from "../stack/chosen.ts";
import { siteAccess, siteOf, siteSecret } from "../stack/stacks.ts";
import { askSecret } from "./ask.ts";
import { makeSecret, restoreSecret } from "./make.ts";

const purposes: Record<KeyPurpose, string> = {
  sshCa: "the site's SSH certificate authority, and every board's certificate and image with it",
  sshHostKey: "the SSH host keys of VMs and boards, and every VM with them",
  deployKey: "the key by which Bramble logs in, and every VM with it",
  mungeKey: "the clusters' munge keys: munge restarts on every node, running jobs go on",
  k3sCa: "the authorities of k3s clusters, which a cluster that runs can't take others for",
  k3sToken: "the tokens of k3s clusters",
};

const rotateHelp = `
Kinds of keys, and what the next \`up\` replaces:
${Object.entries(purposes)
  .map(([purpose, what]) => `  ${purpose.padEnd(12)}${what}`)
  .join("\n")}

Look at the preview before. The old key is not used again; to go back to it, set the epoch in the site file back.`;

/** `bramble secret …`: the one secret that all keys of a site are made from. */
export function secretCommand(): Command {
  const command = new Command("secret").description("the one secret from which all keys of a site are made");
  const below = (name: string, description: string) =>
    command.command(name).description(description).option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)");
  below("new", "make the secret of a stack, and the stack if there is none; refuses where there is one").action(
    async (options: { stack?: string }) => {
      const stack = chosenStack(options.stack);
      await makeSecret(stack);
      console.log(await howToKeep(stack));
    },
  );
  below("show", "print the secret, to keep it elsewhere; not for logs").action(async (options: { stack?: string }) =>
    console.log(await siteSecret(chosenStack(options.stack))),
  );
  below("restore", "give a stack the secret that you kept, asked for or from standard input").action(
    async (options: { stack?: string }) => {
      const stack = chosenStack(options.stack);
      await restoreSecret(stack, await askSecret("Site secret (64 hex digits): "));
      console.log(`Stack ${stack} has its secret again, encrypted in stacks/Pulumi.${stack}.yaml.`);
    },
  );
  below("rotate", "raise the epoch of a kind of key in the site file; the next `up` brings the new keys")
    .addArgument(new Argument("<purpose>", "the kind of key").choices(Object.keys(purposes)))
    .addHelpText("after", rotateHelp)
    .action(async (purpose: KeyPurpose, options: { stack?: string }) => rotate(purpose, chosenStack(options.stack)));
  return command;
}

/** `bramble deploy-key`: what a machine that is not ours to set up must let in. */
export function deployKeyCommand(): Command {
  return new Command("deploy-key")
    .description("print the public key by which Bramble logs in, for ~/.ssh/authorized_keys of a PC that runs libvirt")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .action(async (options: { stack?: string }) => {
      const { site, keys } = await siteAccess(chosenStack(options.stack));
      console.log(`${sshKeyPair(keys.deployKey()).publicKey} bramble-${site.name}`);
    });
}

/** `bramble ssh-ca`: how people know the site's boards without a list of their keys. */
export function sshCaCommand(): Command {
  return new Command("ssh-ca")
    .description("print a line for ~/.ssh/known_hosts, by which ssh knows every board that boots over the network")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .action(async (options: { stack?: string }) => {
      const { site, keys } = await siteAccess(chosenStack(options.stack));
      const boards = site.boot?.boards ?? [];
      if (boards.length === 0) throw new Error(`No board of site ${site.name} boots over the network.`);
      const patterns = boards.flatMap(({ name, address }) => [name, address]);
      stdout.write(certAuthorityLine(sshKeyPair(keys.sshCa()).publicKey, patterns));
    });
}

async function howToKeep(stack: string): Promise<string> {
  const site = siteFile(stacksFolder, stack, await readStackConfig(stacksFolder, stack));
  const next = typeof site === "string" && !existsSync(site) ? `\nNext, describe the site in ${shown(site)}.` : "";
  return `Stack ${stack} has its secret, encrypted in stacks/Pulumi.${stack}.yaml. Keep two things, apart from each other:
  stacks/Pulumi.${stack}.yaml   commit it
  the stack's passphrase        in a password manager
With both, every key of the site can be made again, also after the state was lost. Without the passphrase no
key can: then the site gets a new secret and its VMs are made again (docs/security.md).
For a copy on paper: npm run bramble -- secret show --stack ${stack}${next}`;
}

async function rotate(purpose: KeyPurpose, stack: string): Promise<void> {
  const next = (await siteOf(stack)).epochs[purpose] + 1;
  const file = siteFile(stacksFolder, stack, await readStackConfig(stacksFolder, stack));
  if (typeof file !== "string") throw new Error(printProblems([file]).trimEnd());
  const before = await readFile(file, "utf8");
  const document = parseDocument(before);
  document.setIn(["keys", "epoch", purpose], next);
  await writeFile(file, document.toString({ lineWidth: 0 }));
  if ((await siteOf(stack)).epochs[purpose] !== next) {
    await writeFile(file, before);
    throw new Error(
      `keys.epoch.${purpose} is set by bramble:override in stacks/Pulumi.${stack}.yaml: raise it there to ${next}.`,
    );
  }
  console.log(
    `keys.epoch.${purpose} is ${next} in ${shown(file)}. The next \`up\` replaces ${purposes[purpose]}. Look at the ` +
      `preview first: npm run preview -- --stack ${stack}`,
  );
}

/** A path as seen from the current folder. */
function shown(path: string): string {
  return relative(cwd(), path);
}
