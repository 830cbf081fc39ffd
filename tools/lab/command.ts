import { Command, InvalidArgumentError, Option } from "commander";
import { interruptible } from "../lib/interruption.ts";
import { withLock } from "../lib/lock.ts";
import { workFolder } from "../lib/paths.ts";
import { ssh } from "../ssh/command.ts";
import { labDown } from "./down.ts";
import { defaultWorkers, type SizeName, sizes } from "./sizes.ts";
import { labStack } from "./stack.ts";
import { labStatus } from "./status.ts";
import { labUp } from "./up.ts";

const help = `
The lab is a whole site on this machine: the stack \`lab\`, described by stacks/lab.yaml, with a Slurm cluster and a k3s
cluster in VMs on a network of their own. It sets up the engine, installs the Debian packages it needs (as root, saying
which), starts libvirt where there is no systemd, builds the guest images, gets k3s, runs \`pulumi up\`, a job and a pod.
Run it again at any time: it goes on where it was, also after Ctrl-C or a reboot of the machine.

Examples:
  npm run lab
  npm run lab -- --workers 3           one more worker; nothing else changes
  npm run lab -- --no-k3s              only Slurm, for small machines and those without KVM; a k3s cluster that is there goes
  npm run lab -- status
  npm run lab -- ssh hpc-controller
  npm run lab -- down`;

/** `bramble lab`. */
export function labCommand(): Command {
  const lab = new Command("lab")
    .description("a whole site on this machine, in VMs: make it, look at it, take it away")
    .enablePositionalOptions()
    .addHelpText("after", help);
  lab
    .command("up", { isDefault: true })
    .description("make the lab, or bring it up to date, and run a job and a pod on it (what `lab` alone does)")
    .addOption(new Option("--size <size>", "memory of its VMs").choices(Object.keys(sizes)).default("normal"))
    .option("--workers <count>", "number of Slurm workers, 1 to 8", parseWorkers, defaultWorkers)
    .option("--no-k3s", "without the k3s cluster, which takes 4.3 GiB of memory and, without KVM, five minutes")
    .action((options: { size: SizeName; workers: number; k3s: boolean }) =>
      alone("bramble lab", (signal) => labUp({ ...options, signal, say: console.log })),
    );
  lab
    .command("status")
    .description("what is there of it")
    .action(() => labStatus(console.log));
  lab
    .command("ssh")
    .description("log in to one of its VMs as root")
    .argument("<vm>", "such as hpc-controller")
    .argument("[command...]", "run this there instead of a shell")
    .passThroughOptions()
    .action(async (vm: string, command: string[]) => {
      process.exitCode = await ssh(labStack, vm, command);
    });
  lab
    .command("down")
    .description("take it all away, jobs and data included")
    .action(() => alone("bramble lab down", () => labDown(console.log)));
  return lab;
}

/** One command at a time works on the lab. */
async function alone(what: string, work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  process.exitCode = await interruptible((signal) => withLock(`${workFolder}/lab.lock`, what, () => work(signal)));
}

function parseWorkers(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 8) return count;
  throw new InvalidArgumentError("A lab has 1 to 8 workers.");
}
