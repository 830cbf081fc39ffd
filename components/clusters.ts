import type * as pulumi from "@pulumi/pulumi";
import { sshKeyPair } from "../formats/ssh-key.ts";
import type { LeavingStep } from "../providers/roster/inputs.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Arch, Cluster, Site, VmName } from "../site/model.ts";
import { K3sCluster } from "./k3s-cluster.ts";
import { k3sIdentity } from "./k3s-identity.ts";
import type { K3sRelease, PinnedFile } from "./k3s-node.ts";
import type { PodStorageArgs } from "./k3s-pod-storage.ts";
import { guestTarget } from "./reached.ts";
import { SlurmCluster } from "./slurm-cluster.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

/** What is pinned for k3s clusters. */
export interface K3sReleases {
  /** @throws Error when nothing is, which a site that is built has been checked for. */
  readonly release: (version: string, arch: Arch) => K3sRelease;
  /** csi-driver-nfs's manifests. */
  readonly driver?: PinnedFile;
}

export interface ClustersArgs {
  readonly site: Site;
  readonly siteId: string;
  readonly keys: SiteKeys;
  readonly k3s: K3sReleases;
  readonly storageServer: PodStorageArgs["storageServer"];
  /** What the step of a worker or node is told, so that it can take it out of its cluster again. */
  readonly leaving: (name: VmName) => LeavingStep["show"];
  /** Makes the VM of that name as a part of its cluster. */
  readonly machine: (
    cluster: Cluster,
    name: VmName,
    parent: pulumi.Resource,
    after: readonly pulumi.Resource[],
  ) => VirtualMachine;
}

/** Makes a site's clusters, each of its own type. */
export function makeClusters(args: ClustersArgs, parent: pulumi.Resource): void {
  const { site, keys } = args;
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
  const vms = new Map(site.vms.map((vm) => [vm.name, vm]));
  const vmOf = (name: VmName) => found(vms.get(name), name);
  const hosts = new Map(site.hosts.map((host) => [host.name, host]));
  for (const cluster of site.clusters) {
    const common = { network: site.network, deployKey, leaving: args.leaving };
    const machine = (name: VmName, of: pulumi.Resource, after: readonly pulumi.Resource[]) =>
      args.machine(cluster, name, of, after);
    if (cluster.type === "slurm") {
      const { users } = site;
      const mungeKey = keys.mungeKey(cluster.name);
      new SlurmCluster(cluster.name, { ...common, cluster, users, mungeKey, machine }, { parent });
    } else {
      new K3sCluster(
        cluster.name,
        {
          ...common,
          cluster,
          machine,
          targetOf: (name) => guestTarget(vmOf(name), keys),
          siteName: site.name,
          siteId: args.siteId,
          identity: k3sIdentity(keys, cluster.name),
          release: (arch) => args.k3s.release(cluster.version, arch),
          ...(args.k3s.driver && { driver: args.k3s.driver }),
          hostOf: (name) => found(hosts.get(vmOf(name).host), name),
          storageServer: args.storageServer,
        },
        { parent },
      );
    }
  }
}

/** What readSite() named exists; a name without its thing is a defect there, not a mistake of the user. */
function found<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`the site names ${name}, which it does not have`);
  return value;
}
