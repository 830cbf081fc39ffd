import { isIP } from "node:net";
import { Command } from "commander";
import { fingerprint } from "../../formats/ssh-key.ts";
import { show } from "../../site/problem.ts";
import { tryRun } from "../lib/run.ts";
import { requireRunnerPrograms } from "../setup/programs.ts";

/** `bramble host-key ADDRESS`: what a machine that is not ours to set up shows as its key, for a person to compare. */
export function hostKeyCommand(): Command {
  return new Command("host-key")
    .description(
      "ask a machine for its SSH host key, and print its fingerprint to compare and the line for the site file",
    )
    .argument("<address>", "IP address of the machine")
    .action(async (address: string) => {
      if (isIP(address) === 0) throw new Error(`${show(address)} is not an IP address.`);
      requireRunnerPrograms(["ssh"]); // ssh-keyscan is of the same package
      const { stdout, stderr } = await tryRun(["ssh-keyscan", "-T", "5", "-t", "ed25519", address]);
      const key = stdout
        .split("\n")
        .find((line) => line.includes(" ssh-ed25519 "))
        ?.split(" ")
        .slice(1, 3)
        .join(" ");
      if (key === undefined) {
        throw new Error(
          `${address} showed no ed25519 host key within 5 s. Does sshd run there? ${stderr.trim()}`.trim(),
        );
      }
      console.log(
        `${address} shows the key\n  ${fingerprint(key)}\n\n` +
          "Anybody on the network could have answered. Compare it with what the machine itself says, on its console:\n" +
          "  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n\n" +
          `Only if they are equal, add to the board in the site file:\n  hostKey: ${key}`,
      );
    });
}
