import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { chosenStack } from "../stack/chosen.ts";
import { siteAccess } from "../stack/stacks.ts";
import { fetchKubeconfig, k3sNamed } from "./fetch.ts";

interface Options {
  readonly stack?: string;
  readonly output?: string;
}

/** `bramble kubeconfig CLUSTER`: fetches the administrator's access to a k3s cluster; it is kept nowhere else. */
export function kubeconfigCommand(): Command {
  return new Command("kubeconfig")
    .description("fetch the administrator's kubeconfig of a k3s cluster from one of its servers, and print it")
    .argument("<cluster>", "its name in the site, such as web")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .option("-o, --output <file>", "write it to a file that only you can read, instead of printing it")
    .action(async (name: string, options: Options) => {
      const { site, keys } = await siteAccess(chosenStack(options.stack));
      const cluster = k3sNamed(site, name);
      const addresses = new Map(site.vms.map((vm) => [vm.name, vm.address]));
      const servers = cluster.servers.map((server) => ({
        name: server,
        address: addresses.get(server) ?? "",
        user: "root",
        hostKey: sshKeyPair(keys.sshHostKey(server)).publicKey,
      }));
      const text = await fetchKubeconfig({
        site: site.name,
        cluster: cluster.name,
        servers,
        deployKey: sshKeyPair(keys.deployKey()).privateKey,
        ...(cluster.endpoint && { endpoint: cluster.endpoint }),
      });
      if (options.output === undefined) process.stdout.write(text);
      else await writeFile(options.output, text, { mode: 0o600 });
    });
}
