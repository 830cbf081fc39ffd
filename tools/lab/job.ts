import { sshKeyPair } from "../../formats/ssh-key.ts";
import { connect, type SshConnection } from "../../providers/transport/ssh.ts";
import { siteAccess } from "../stack/stacks.ts";
import { labStack } from "./stack.ts";

export interface JobAnswer {
  /** As the user would have typed it. */
  readonly command: string;
  readonly controller: string;
  /** What each node said; undefined if the nodes were at work on other jobs, so that it did not run. */
  readonly lines: readonly string[] | undefined;
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

/**
 * Runs a real job on every worker of the lab, as its user in their own home, and gives what each answered.
 * @throws Error with what Slurm said.
 */
export async function runJob(): Promise<JobAnswer> {
  const { connection, name, workers } = await connectToController();
  try {
    const command = `srun -N${workers} hostname`;
    const { code, stdout, stderr } = await connection.run(jobScript, [String(workers)]);
    if (code === busy) return { command, controller: name, lines: undefined };
    if (code !== 0)
      throw new Error(`${command} ended with exit code ${code} on ${name}:\n${(stderr || stdout).trim()}`);
    return { command, controller: name, lines: stdout.trim().split("\n").sort() };
  } finally {
    connection.close();
  }
}

/** The script's exit code when the workers run other jobs. */
const busy = 3;

/** $1 the number of workers. After a reboot of this machine they are up some time after their controller. */
const jobScript = `
end=$(($(date +%s) + 300))
until [ "$(sinfo --noheader --Node --responding --states=idle,mixed,allocated --format=%N | sort -u | wc -l)" -ge "$1" ]; do
  [ "$(date +%s)" -lt "$end" ] || { sinfo --Node --long >&2; exit 1; }
  sleep 0.5
done
[ -z "$(squeue --noheader --states=R)" ] || exit ${busy}
runuser -l demo -c "timeout 120 srun -N$1 hostname"
`;
