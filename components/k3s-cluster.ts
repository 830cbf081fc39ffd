import type { local } from "@pulumi/command";
import type * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import type { LeavingStep } from "../providers/roster/inputs.ts";
import type { SshTarget } from "../providers/transport/ssh.ts";
import type { Host, K3sCluster as K3sClusterModel, Network, VmName } from "../site/model.ts";
import type { K3sIdentity } from "./k3s-identity.ts";
import { type K3sNode, type K3sRelease, k3sBundle, k3sNode, type PinnedFile } from "./k3s-node.ts";
import { PodStorage, type PodStorageArgs } from "./k3s-pod-storage.ts";
import { remoteStep } from "./remote-step.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

export interface K3sClusterArgs {
  readonly siteName: string;
  /** Public; part of the mark on storages. */
  readonly siteId: string;
  readonly cluster: K3sClusterModel;
  readonly network: Network;
  readonly identity: K3sIdentity;
  /** The private key that logs in to the VMs. */
  readonly deployKey: string;
  /** What is pinned of the cluster's release, for an architecture. */
  readonly release: (arch: Host["arch"]) => K3sRelease;
  /** csi-driver-nfs's manifests, where they are pinned. */
  readonly driver?: PinnedFile;
  /** How a storage's server is reached, and what makes it one; missing where somebody else looks after it. */
  readonly storageServer: PodStorageArgs["storageServer"];
  /** What the step of a node is told, so that it can take the node out of the cluster again. */
  readonly leaving: (node: VmName) => LeavingStep["show"];
  readonly hostOf: (name: VmName) => Host;
  /** How a VM is reached. */
  readonly targetOf: (name: VmName) => SshTarget;
  /** Makes the VM of that name as a part of the cluster. */
  readonly machine: (name: VmName, parent: pulumi.Resource, after: readonly pulumi.Resource[]) => VirtualMachine;
}

/**
 * A k3s cluster: servers, then agents, one after the other. Each waits until the one before is a working node, both when
 * they are made and when they change, so that nothing ever happens to two servers at once and an upgrade stops at the
 * first node that fails. A node is drained and forgotten before anything of it is deleted.
 */
export class K3sCluster extends pulumi.ComponentResource {
  constructor(name: string, args: K3sClusterArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:K3sCluster", name, {}, options);
    const { cluster } = args;
    let before: local.Command | undefined;
    for (const server of cluster.servers) {
      // One that is to be made anew is not touched before the one before it is back and has its vote.
      const machine = args.machine(server, this, before === undefined ? [] : [before]);
      before = this.join(args, { name: server, role: "server", labels: {}, taints: [] }, machine, before);
    }
    const servers = before;
    let agent: local.Command | undefined;
    for (const { members, labels, taints } of cluster.groups) {
      for (const member of members) {
        const machine = args.machine(member, this, agent === undefined ? [] : [agent]);
        agent = this.join(args, { name: member, role: "agent", labels, taints }, machine, agent ?? servers);
      }
    }
    const { storage } = cluster;
    if (storage !== undefined && servers !== undefined)
      new PodStorage(name, { ...args, storage, after: servers }, { parent: this });
    this.registerOutputs({});
  }

  private join(
    args: K3sClusterArgs,
    node: K3sNode,
    machine: { readonly domain: libvirt.Domain; readonly ready: local.Command },
    before: local.Command | undefined,
  ): local.Command {
    // An agent gets its release while the servers start.
    const bundle = remoteStep(
      `${node.name}/k3s-bundle`,
      { step: "k3s-bundle", ...k3sBundle(args, node.name), machines: [machine.domain] },
      { parent: this, dependsOn: machine.ready },
    );
    return remoteStep(
      `${node.name}/k3s`,
      { step: "k3s-node", remove: true, ...k3sNode(args, node), machines: [machine.domain] },
      { parent: this, dependsOn: before === undefined ? bundle : [bundle, before] },
    );
  }
}
