import assert from "node:assert/strict";
import { cgroupConf, slurmConf } from "../../formats/slurm-conf.ts";

describe("slurm-conf", () => {
  it("writes a configless controller whose workers register themselves", () => {
    assert.equal(
      slurmConf({
        clusterName: "physics",
        controller: { hostname: "physics-controller", address: "10.20.0.100" },
        stateFolder: "/srv/data/slurm",
        groups: ["n", "big"],
        partitions: [
          { name: "main", groups: ["n", "big"], maxTimeMinutes: 1440, default: true },
          { name: "debug", groups: ["n"], maxTimeMinutes: 30, default: false },
        ],
      }),
      `# Written by Bramble; changes are overwritten.
ClusterName=physics
SlurmctldHost=physics-controller(10.20.0.100)
SlurmUser=slurm
AuthType=auth/munge
SlurmctldParameters=enable_configless
StateSaveLocation=/srv/data/slurm
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup,task/affinity
PrologFlags=Contain
JobAcctGatherType=jobacct_gather/cgroup
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=256
ReturnToService=2
SlurmdTimeout=300
MaxNodeCount=4096
NodeSet=n Feature=n
NodeSet=big Feature=big
PartitionName=main Nodes=n,big Default=YES MaxTime=1440 State=UP
PartitionName=debug Nodes=n MaxTime=30 State=UP
`,
    );
  });

  it("holds jobs to what they asked for", () => {
    for (const what of ["Cores", "RAMSpace", "SwapSpace", "Devices"]) {
      assert.match(cgroupConf(), new RegExp(`^Constrain${what}=yes$`, "m"));
    }
  });
});
