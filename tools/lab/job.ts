import type { Connection } from "../../providers/transport/connection.ts";
import type { LabAccess } from "./access.ts";

export interface JobAnswer {
  /** As the user would have typed it. */
  readonly command: string;
  readonly controller: string;
  /** What each node said; undefined if the nodes were at work on other jobs, so that it did not run. */
  readonly lines: readonly string[] | undefined;
}

/**
 * Runs a real job on every worker of the lab, as its user in their own home, and gives what each answered.
 * @throws Error with what Slurm said.
 */
export async function runJob({ slurm, connectTo }: LabAccess): Promise<JobAnswer> {
  const { controller, workers } = slurm;
  await Promise.all(workers.map(async (worker) => isAtWork(await connectTo(worker), worker)));
  const connection = await connectTo(controller);
  try {
    const command = `srun -N${workers.length} hostname`;
    const { code, stdout, stderr } = await connection.run(jobScript, [String(workers.length)]);
    if (code === busy) return { command, controller, lines: undefined };
    if (code !== 0)
      throw new Error(`${command} ended with exit code ${code} on ${controller}:\n${(stderr || stdout).trim()}`);
    return { command, controller, lines: stdout.trim().split("\n").sort() };
  } finally {
    connection.close();
  }
}

/** Waits until the controller knows this boot of a worker: one that was just switched on again still looks idle to it. */
async function isAtWork(connection: Connection, worker: string): Promise<void> {
  try {
    const { code, stderr } = await connection.run(workerScript, [worker]);
    if (code !== 0) throw new Error(`${worker} did not register with Slurm:\n${stderr.trim()}`);
  } finally {
    connection.close();
  }
}

/** $1 the worker. BootTime is what it told the controller when it registered. */
const workerScript = `
end=$(($(date +%s) + 300)) booted=$(date -d "$(uptime -s)" +%s)
is_known() {
  known=$(scontrol show node "$1" --oneliner | tr ' ' '\\n' | sed -n 's/^BootTime=//p')
  known=$(date -d "$known" +%s) && [ $((known - booted)) -gt -30 ]
}
until is_known "$1" 2>/dev/null; do
  [ "$(date +%s)" -lt "$end" ] || { journalctl --unit slurmd --lines 5 --output cat >&2; exit 1; }
  sleep 0.5
done
`;

/** The script's exit code when the workers run other jobs. */
const busy = 3;

/** $1 the number of workers. */
const jobScript = `
end=$(($(date +%s) + 300))
until [ "$(sinfo --noheader --Node --responding --states=idle,mixed,allocated --format=%N | sort -u | wc -l)" -ge "$1" ]; do
  [ "$(date +%s)" -lt "$end" ] || { sinfo --Node --long >&2; exit 1; }
  sleep 0.5
done
[ -z "$(squeue --noheader --states=R)" ] || exit ${busy}
runuser -l demo -c "timeout 120 srun -N$1 hostname"
`;
