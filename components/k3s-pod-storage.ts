import * as pulumi from "@pulumi/pulumi";
import { storageMarker } from "../formats/bramble-mounts.ts";
import { exportLine } from "../formats/exports-file.ts";
import { podStorageManifests } from "../formats/k3s-volumes.ts";
import type { K3sManifestsSpec } from "../providers/steps/k3s-manifests.ts";
import type { PodStorageSpec } from "../providers/steps/k3s-storage.ts";
import type { FolderServer } from "../providers/transport/folder-server.ts";
import type { SshTarget } from "../providers/transport/ssh.ts";
import type { K3sCluster, SharedStorage, VmName } from "../site/model.ts";
import type { PinnedFile } from "./k3s-node.ts";
import { remoteStep } from "./remote-step.ts";

export interface PodStorageArgs {
  readonly siteName: string;
  readonly siteId: string;
  readonly cluster: K3sCluster;
  readonly storage: SharedStorage;
  readonly deployKey: string;
  readonly driver?: PinnedFile;
  readonly targetOf: (name: VmName) => SshTarget;
  /** How the storage's server is reached, and what makes it one; missing where somebody else looks after it. */
  readonly storageServer: (
    storage: SharedStorage,
  ) => { readonly reached: FolderServer; readonly ready: pulumi.Resource } | undefined;
  /** The cluster is there. */
  readonly after: pulumi.Resource;
}

/** How many volumes lie ready in a cluster. */
const volumes = 16;
/** The longest that a server of a cluster that is there is waited for, in seconds. */
const serverPatience = 300;

/** Volumes for the pods of a cluster on a storage of the site: folders on the server, exported to the nodes, and a class. */
export class PodStorage extends pulumi.ComponentResource {
  constructor(name: string, args: PodStorageArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:PodStorage", name, {}, options);
    const { cluster, storage } = args;
    const path = `${storage.path}/pods/${cluster.name}`;
    const hide = { sshKey: args.deployKey };
    const server = args.storageServer(storage);
    const folders =
      server === undefined
        ? []
        : [
            remoteStep(
              `${cluster.name}/${storage.name}`,
              {
                step: "k3s-storage",
                remove: true,
                show: {
                  storage: JSON.stringify(folderSpec(args, server.reached)),
                  exports: exportsOf(args, path),
                },
                hide,
                machines: [],
              },
              { parent: this, dependsOn: server.ready },
            ),
          ];
    const manifests: K3sManifestsSpec = {
      cluster: cluster.name,
      servers: cluster.servers.map(args.targetOf),
      ...(args.driver && { pinned: args.driver }),
    };
    const driver = args.driver !== undefined;
    remoteStep(
      `${cluster.name}/volumes`,
      {
        step: "k3s-manifests",
        remove: true,
        show: {
          k3sResources: JSON.stringify(manifests),
          manifests: podStorageManifests({ name: storage.name, address: storage.address, path, volumes, driver }),
          patience: String(serverPatience),
        },
        hide,
        machines: [],
      },
      { parent: this, dependsOn: [args.after, ...folders] },
    );
    this.registerOutputs({});
  }
}

function folderSpec({ siteName, siteId, cluster, storage }: PodStorageArgs, server: FolderServer): PodStorageSpec {
  const { name, path } = storage;
  return { site: siteName, name, path, marker: storageMarker(siteId, name), server, cluster: cluster.name, volumes };
}

/** A line for each node that there can be, so that one which comes changes nothing on the server. */
function exportsOf({ cluster }: PodStorageArgs, path: string): string {
  const slots = [...cluster.serverSlots, ...cluster.groups.flatMap((group) => group.slots)];
  return slots.map(({ address }) => exportLine({ path, clients: [address], part: true })).join("\n");
}
