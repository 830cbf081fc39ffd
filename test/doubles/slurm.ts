import { guestScripts } from "../../providers/steps/guest-script.ts";
import { until } from "../../tools/lib/until.ts";
import { debianRoot } from "./debian-root.ts";
import { startPrivateLan } from "./private-lan.ts";

/** A real Slurm of one controller with two nodes: n1 has its daemon there too, and n2 is a machine that nobody has. */
export interface Slurm {
  /** Runs scripts of providers/steps/guest as a step does, and gives what they print. */
  script(names: readonly string[], ...args: readonly string[]): Promise<string>;
  /** Runs a command with Slurm's programs. */
  run(command: string): Promise<string>;
  stop(): Promise<void>;
}

const folder = "/run/slurm-test";
const address = "10.20.0.30";

/** Slurm and munge of Debian 13, as guests have them, are laid over this machine's programs for each command. */
export async function startSlurm(): Promise<Slurm> {
  const packages = ["slurmctld", "slurmd", "slurm-client", "munge"];
  const root = await debianRoot({ suite: "trixie", arch: "amd64", packages });
  const lan = await startPrivateLan();
  try {
    const station = await lan.plugIn({ name: "slurm", address: `${address}/24` });
    const inside = (script: string, ...args: readonly string[]) =>
      station.run(["sh", "-euc", `${layers(root)}\n${script}`, "sh", ...args]);
    await lan.write(`${folder}/slurm.conf`, slurmConf());
    await lan.write(`${folder}/cgroup.conf`, "CgroupPlugin=disabled\n"); // stations have none
    await lan.write(`${folder}/munge.key`, "k".repeat(1024));
    await station.run(["sh", "-euc", prepare]);
    await inside(start);
    const slurm = {
      script: async (names: readonly string[], ...args: readonly string[]) =>
        (await inside(await guestScripts(names), ...args)).trim(),
      run: (command: string) => inside(command),
      stop: () => lan.stop(),
    };
    const isUp = async () =>
      /n1 idle/.test(await slurm.run("sinfo --noheader --Node --format '%N %T' 2>/dev/null || true"));
    await until("Slurm with its node", isUp, { deadline: 20_000, every: 500 }).catch(async (error: Error) => {
      throw new Error(
        `${error.message}; it said last:\n${await slurm.run(`tail -n 5 ${folder}/*.log; sinfo -N 2>&1`)}`,
      );
    });
    return slurm;
  } catch (error) {
    await lan.stop();
    throw error;
  }
}

/** What is laid over this machine for a command: those packages, and the controller's name. */
function layers(root: string): string {
  return `mount -t overlay overlay -o lowerdir=${folder}/links:${root}/usr:/usr /usr
mount --bind ${folder}/hosts /etc/hosts
export SLURM_CONF=${folder}/slurm.conf`;
}

/** Debian has the daemons under other names, by alternatives(7), and they know what they are by their names. */
const prepare = `mkdir -p ${folder}/links/sbin ${folder}/state ${folder}/spool
chmod 755 ${folder}
chmod 400 ${folder}/munge.key
for daemon in slurmctld slurmd slurmstepd; do ln -s $daemon-wlm ${folder}/links/sbin/$daemon; done
{ cat /etc/hosts; echo "${address} $(uname -n)"; } >${folder}/hosts`;

const start = `munged --force --key-file=${folder}/munge.key --socket=${folder}/munge.sock --pid-file=${folder}/munge.pid \\
  --log-file=${folder}/munge.log --seed-file=${folder}/seed 2>/dev/null
setsid slurmctld -D >${folder}/slurmctld.log 2>&1 </dev/null &
setsid slurmd -D -N n1 >${folder}/slurmd.log 2>&1 </dev/null &`;

function slurmConf(): string {
  return `ClusterName=test
SlurmctldHost=lan(${address})
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=${folder}/munge.sock
PluginDir=/usr/lib/x86_64-linux-gnu/slurm-wlm
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
NodeName=n1 NodeHostname=lan NodeAddr=${address} CPUs=1 RealMemory=100
NodeName=n2 NodeHostname=nobody NodeAddr=10.20.0.31 CPUs=1
PartitionName=main Nodes=n1,n2 Default=YES State=UP
PartitionName=more Nodes=n1,n2 State=UP
`;
}
