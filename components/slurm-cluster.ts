import * as pulumi from "@pulumi/pulumi";
import { chronyConf } from "../formats/chrony-conf.ts";
import { exportsFile } from "../formats/exports-file.ts";
import { hostsFile } from "../formats/hosts-file.ts";
import { cgroupConf, slurmConf } from "../formats/slurm-conf.ts";
import type { LeavingStep } from "../providers/roster/inputs.ts";
import type { Network, SlurmCluster as SlurmClusterModel, User, VmName } from "../site/model.ts";
import { remoteStep } from "./remote-step.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

export interface SlurmClusterArgs {
  readonly cluster: SlurmClusterModel;
  readonly network: Network;
  readonly users: readonly User[];
  /** 32 bytes or more. */
  readonly mungeKey: Uint8Array;
  /** The private key that logs in to the VMs. */
  readonly deployKey: string;
  /** What the step of a worker is told, so that it can take the worker out of the cluster again. */
  readonly leaving: (worker: VmName) => LeavingStep["show"];
  /** Makes the VM of that name as a part of the cluster. */
  readonly machine: (name: VmName, parent: pulumi.Resource, after: readonly pulumi.Resource[]) => VirtualMachine;
}

/** The longest that configuring a VM that is up may wait for it, in seconds. */
const configurePatience = 120;
const stateFolder = "/srv/data/slurm";
const homeFolder = "/srv/data/home";

/**
 * A Slurm cluster: a controller with the job queue and the homes on its data disk, and workers that register
 * themselves. Every name and address that the cluster can ever have is known from the start, so a worker that comes
 * or goes changes no file on any other machine. A worker is drained before anything of it is deleted.
 */
export class SlurmCluster extends pulumi.ComponentResource {
  constructor(name: string, args: SlurmClusterArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:SlurmCluster", name, {}, options);
    const { cluster, network } = args;
    const controller = args.machine(cluster.controller, this, []);
    const slots = cluster.groups.flatMap((group) => group.slots);
    const onEveryNode = {
      hosts: hostsFile([
        { address: controller.target.address, names: [controller.target.name] },
        ...slots.map((slot) => ({ address: slot.address, names: [slot.name] })),
      ]),
      users: JSON.stringify(args.users.map(({ name, uid, keys }) => ({ name, uid, keys }))),
    };
    const secrets = { sshKey: args.deployKey, mungeKey: Buffer.from(args.mungeKey).toString("base64") };
    const configured = remoteStep(
      `${cluster.controller}/slurm`,
      {
        step: "slurm-controller",
        show: {
          ...onEveryNode,
          guest: JSON.stringify(controller.target),
          patience: String(configurePatience),
          chronyConf: chronyConf({ servers: network.ntp, allow: [network.cidr] }),
          exports: exportsFile([{ path: homeFolder, clients: slots.map((slot) => slot.address) }]),
          slurmConf: slurmConf({
            clusterName: cluster.name,
            controller: { hostname: controller.target.name, address: controller.target.address },
            stateFolder,
            groups: cluster.groups.map((group) => group.name),
            partitions: cluster.partitions,
          }),
          cgroupConf: cgroupConf(),
        },
        hide: secrets,
        machines: [controller.domain],
      },
      { parent: this, dependsOn: controller.ready },
    );
    for (const group of cluster.groups) {
      for (const member of group.members) {
        // Where both are replaced, all workers are drained first, then the controller is made anew, then they are.
        const worker = args.machine(member, this, [controller.domain]);
        remoteStep(
          `${member}/slurm`,
          {
            step: "slurm-worker",
            remove: true,
            show: {
              ...onEveryNode,
              ...args.leaving(member),
              group: group.name,
              chronyConf: chronyConf({ servers: [controller.target.address], allow: [] }),
            },
            hide: secrets,
            // Before its controller goes, a worker is drained too: nobody else could say when its jobs have ended.
            machines: [worker.domain, controller.domain],
          },
          { parent: this, dependsOn: [worker.ready, configured] },
        );
      }
    }
    this.registerOutputs({});
  }
}
