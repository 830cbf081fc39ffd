import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { parseDocument } from "yaml";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { KeyPurpose } from "../../site/model.ts";
import { readStackConfig } from "../../stacks/read-stack.ts";
import { chosenStack, siteAccess, siteOf, siteSecret, stacksFolder } from "../stack/stacks.ts";
import { makeSecret } from "./make.ts";

const purposes: Record<KeyPurpose, string> = {
  sshCa: "the site's SSH certificate authority",
  sshHostKey: "SSH host keys of VMs and boards: every VM is made again",
  deployKey: "the key by which Bramble logs in: every VM is made again",
  mungeKey: "the clusters' munge keys: munge restarts on every node, running jobs go on",
  k3sToken: "the tokens of k3s clusters",
};

/** `bramble secret …`: the one secret that all keys of a site are made from. */
export function secretCommand(): Command {
  const command = new Command("secret").description("the one secret from which all keys of a site are made");
  command
    .command("new")
    .description("make the secret of a stack, and the stack if there is none; refuses where there is one")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .action(async (options: { stack?: string }) => {
      const stack = chosenStack(options.stack);
      await makeSecret(stack);
      console.log(
        `Stack ${stack} has its secret, encrypted in stacks/Pulumi.${stack}.yaml. Keep two things, apart from each other:\n` +
          `  stacks/Pulumi.${stack}.yaml   commit it\n` +
          "  the stack's passphrase        in a password manager\n" +
          "With both, every key of the site can be made again, also after the state was lost. Without the passphrase no\n" +
          "key can: then the site gets a new secret and its VMs are made again (docs/security.md).\n" +
          `For a copy on paper: npm run bramble -- secret show --stack ${stack}`,
      );
    });
  command
    .command("show")
    .description("print the secret, to keep it elsewhere; not for logs")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .action(async (options: { stack?: string }) => console.log(await siteSecret(chosenStack(options.stack))));
  command
    .command("rotate")
    .description("raise the epoch of a kind of key in the site file; the next `up` brings the new keys")
    .argument("<purpose>", `one of ${Object.keys(purposes).join(", ")}`)
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .action(async (purpose: string, options: { stack?: string }) => rotate(purpose, chosenStack(options.stack)));
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

async function rotate(purpose: string, stack: string): Promise<void> {
  if (!isPurpose(purpose))
    throw new Error(
      `There is no kind of key called ${JSON.stringify(purpose)}; there are: ${Object.keys(purposes).join(", ")}.`,
    );
  const site = await siteOf(stack);
  const next = site.epochs[purpose] + 1;
  const { site: name } = await readStackConfig(stacksFolder, stack);
  const file = join(stacksFolder, name ?? `${stack}.yaml`);
  const document = parseDocument(await readFile(file, "utf8"));
  document.setIn(["keys", "epoch", purpose], next);
  await writeFile(file, document.toString({ lineWidth: 0 }));
  console.log(
    `keys.epoch.${purpose} is ${next} in ${file}. The next \`up\` replaces ${purposes[purpose]}. Look at the preview first.`,
  );
}

function isPurpose(word: string): word is KeyPurpose {
  return word in purposes;
}
