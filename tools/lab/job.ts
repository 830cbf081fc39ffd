import { sshKeyPair } from "../../formats/ssh-key.ts";
import { connect, type SshConnection } from "../../providers/transport/ssh.ts";
import { siteAccess } from "../stack/stacks.ts";
import { labStack } from "./stack.ts";

export interface JobAnswer {
  /** As the user would have typed it. */
  readonly command: string;
  readonly controller: string;
  /** What each node said. */
  readonly lines: readonly string[];
}

/** How long the lab's controller is waited for, in seconds: after a reboot of this machine it boots first. */
const bootPatience = 300;

/** Opens a connection to the controller of the lab's cluster, as root. */
export async function connectToController(
  patience = bootPatience,
): Promise<{ connection: SshConnection; name: string; workers: number }> {
  const { site, keys } = await siteAccess(labStack);
  const cluster = site.clusters[0];
  const vm = site.vms.find(({ name }) => name === cluster?.controller);
  if (cluster === undefined || vm === undefined) throw new Error("stacks/lab.yaml has no cluster");
  const target = {
    name: vm.name,
    address: vm.address,
    user: "root",
    hostKey: sshKeyPair(keys.sshHostKey(vm.name)).publicKey,
  };
  const connection = await connect(target, sshKeyPair(keys.deployKey()).privateKey, { patience });
  return { connection, name: vm.name, workers: cluster.workers.length };
}

/** Runs a real job on every worker of the lab and gives what each answered. @throws Error with what Slurm said. */
export async function runJob(): Promise<JobAnswer> {
  const { connection, name, workers } = await connectToController();
  try {
    const command = `srun -N${workers} hostname`;
    // The lab's user, in their own home; Slurm queues the job until the workers are there, also after a reboot.
    const { code, stdout, stderr } = await connection.run('runuser -l demo -c "timeout 300 srun -N$1 hostname"', [
      String(workers),
    ]);
    if (code !== 0)
      throw new Error(`${command} ended with exit code ${code} on ${name}:\n${(stderr || stdout).trim()}`);
    return { command, controller: name, lines: stdout.trim().split("\n").sort() };
  } finally {
    connection.close();
  }
}
