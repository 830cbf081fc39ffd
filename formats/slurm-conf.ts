/** What a Slurm controller needs to know; workers register themselves (dynamic nodes), so none is listed here. */
export interface SlurmConf {
  readonly clusterName: string;
  readonly controller: { readonly hostname: string; readonly address: string };
  /** Folder for the job queue. Losing it cancels all jobs, so it lies on the data disk. */
  readonly stateFolder: string;
  /** Worker groups; a worker belongs to its group by the feature of the same name. */
  readonly groups: readonly string[];
  readonly partitions: readonly SlurmPartition[];
}

export interface SlurmPartition {
  readonly name: string;
  readonly groups: readonly string[];
  readonly maxTimeMinutes: number;
  readonly default: boolean;
}

/** The most workers that can register; slurmctld must be restarted to change it, so it is chosen once and for all. */
const maxNodeCount = 4096;

/**
 * The text of slurm.conf for Slurm 24.11 (slurm.conf(5)), configless: only the controller has the file.
 * ReturnToService=2 lets a worker that was rebooted come back by itself; it never resumes a drained one.
 */
export function slurmConf(conf: SlurmConf): string {
  const settings = [
    ["ClusterName", conf.clusterName],
    ["SlurmctldHost", `${conf.controller.hostname}(${conf.controller.address})`],
    ["SlurmUser", "slurm"],
    ["AuthType", "auth/munge"],
    ["SlurmctldParameters", "enable_configless"],
    ["StateSaveLocation", conf.stateFolder],
    ["SlurmdSpoolDir", "/var/lib/slurm/slurmd"],
    ["SlurmctldLogFile", "/var/log/slurm/slurmctld.log"],
    ["SlurmdLogFile", "/var/log/slurm/slurmd.log"],
    ["ProctrackType", "proctrack/cgroup"],
    ["TaskPlugin", "task/cgroup,task/affinity"],
    ["PrologFlags", "Contain"],
    ["JobAcctGatherType", "jobacct_gather/cgroup"],
    ["SelectType", "select/cons_tres"],
    ["SelectTypeParameters", "CR_Core_Memory"],
    ["DefMemPerCPU", "256"],
    ["ReturnToService", "2"],
    ["SlurmdTimeout", "300"],
    ["MaxNodeCount", String(maxNodeCount)],
  ];
  const nodeSets = conf.groups.map((group) => `NodeSet=${group} Feature=${group}`);
  const partitions = conf.partitions.map((partition) => {
    const isDefault = partition.default ? " Default=YES" : "";
    return `PartitionName=${partition.name} Nodes=${partition.groups.join(",")}${isDefault} MaxTime=${partition.maxTimeMinutes} State=UP`;
  });
  return `${[
    "# Written by Bramble; changes are overwritten.",
    ...settings.map(([key, value]) => `${key}=${value}`),
    ...nodeSets,
    ...partitions,
  ].join("\n")}\n`;
}

/** The text of cgroup.conf (cgroup.conf(5)): jobs are held to the cores, memory and devices that they asked for. */
export function cgroupConf(): string {
  return [
    "# Written by Bramble; changes are overwritten.",
    "CgroupPlugin=autodetect",
    "SystemdTimeout=60000", // milliseconds; the default of 1,000 is short for a small board
    "ConstrainCores=yes",
    "ConstrainRAMSpace=yes",
    "ConstrainSwapSpace=yes",
    "ConstrainDevices=yes",
    "",
  ].join("\n");
}
