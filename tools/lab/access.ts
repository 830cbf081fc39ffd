import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { Connection } from "../../providers/transport/connection.ts";
import { connect } from "../../providers/transport/ssh.ts";
import type { K3sCluster, Site, SlurmCluster } from "../../site/model.ts";
import { siteAccess } from "../stack/stacks.ts";
import { labStack } from "./stack.ts";

export interface LabAccess {
  readonly site: Site;
  readonly slurm: SlurmCluster;
  /** Missing where the lab was made without it. */
  readonly k3s?: K3sCluster;
  /** Opens a connection to a VM, as root. `patience` is in seconds; the usual one is for after a reboot of this machine. */
  connectTo(vm: string, patience?: number): Promise<Connection>;
}

/** How long a VM is waited for, in seconds: after a reboot of this machine it boots first. */
const bootPatience = 300;

/** The lab as it is on this machine, and the way in. The signal ends all connections. */
export async function labAccess(signal?: AbortSignal): Promise<LabAccess> {
  const { site, keys } = await siteAccess(labStack);
  const slurm = site.clusters.find((cluster): cluster is SlurmCluster => cluster.type === "slurm");
  const k3s = site.clusters.find((cluster): cluster is K3sCluster => cluster.type === "k3s");
  if (slurm === undefined) throw new Error("stacks/lab.yaml has no Slurm cluster");
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
  const connectTo = (name: string, patience = bootPatience) => {
    const address = site.vms.find((vm) => vm.name === name)?.address ?? "";
    const { publicKey } = sshKeyPair(keys.sshHostKey(name));
    return connect({ name, address, user: "root", hostKey: publicKey }, deployKey, {
      patience,
      ...(signal && { signal }),
    });
  };
  return { site, slurm, ...(k3s && { k3s }), connectTo };
}
