import type { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { nfsOptions, storageMarker } from "../formats/bramble-mounts.ts";
import { exportLine } from "../formats/exports-file.ts";
import type { HostStorageSpec, NfsServerSpec } from "../providers/steps/storage-spec.ts";
import type { FolderServer } from "../providers/transport/folder-server.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { HostName, SharedStorage as SharedStorageModel, Site } from "../site/model.ts";
import { reached } from "./reached.ts";
import { remoteStep } from "./remote-step.ts";
import { storageExport } from "./storage-mounts.ts";

export interface SharedStorageArgs {
  readonly storage: SharedStorageModel;
  readonly site: Site;
  readonly siteId: string;
  readonly keys: SiteKeys;
  /** OpenSSH private key that logs in to the server and the hosts. */
  readonly deployKey: string;
}

/**
 * A folder that hosts share over NFS, with the disks of their VMs in it: on the server the folder and its exports, on
 * each host the mount. Hosts that are lost can write to it no more once `server` is done.
 *
 * That a disk has one writer needs no lock manager of libvirt's (sanlock, virtlockd: other daemons, with state of their
 * own). QEMU locks each image that it opens with open file description locks of Linux, and NFS 4 keeps those on the
 * server, so a second QEMU is refused on every host; and they end with the lease of a host that died, or at once when
 * the server forgets it.
 */
export class SharedStorage extends pulumi.ComponentResource {
  /** Missing where somebody else looks after the server. */
  readonly server: local.Command | undefined;
  /** How the server is reached, where it is looked after here. */
  readonly reached: FolderServer | undefined;
  /** By host: the storage is there for it. */
  readonly mounted: ReadonlyMap<HostName, pulumi.Resource>;

  constructor(name: string, args: SharedStorageArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:SharedStorage", name, {}, options);
    const { storage, site, siteId, keys, deployKey } = args;
    const common = { site: site.name, name, path: storage.path, marker: storageMarker(siteId, name) };
    const hide = { sshKey: deployKey };
    const { address } = storage;
    const server = storage.server && reached({ ...storage.server, name: storage.server.board, address }, keys);
    this.reached = server;
    if (server !== undefined) {
      const driveFolder = storage.server?.driveFolder;
      const spec: NfsServerSpec = { ...common, server, ...(driveFolder && { driveFolder }), lost: storage.lost };
      this.server = remoteStep(
        name,
        { step: "nfs-server", show: { storage: JSON.stringify(spec) }, hide, machines: [], remove: true },
        { parent: this },
      );
    }
    const after = this.server === undefined ? {} : { dependsOn: this.server };
    const steps = storage.clients.flatMap(({ host: hostName, address }): [HostName, local.Command][] => {
      const host = site.hosts.find(({ name }) => name === hostName);
      if (host === undefined || (host.fromNetwork && server === undefined)) return [];
      const spec: HostStorageSpec = {
        ...common,
        host: hostName,
        address: storage.address,
        folder: storage.folder,
        options: nfsOptions,
        ...(server && { server }),
        ...(!host.fromNetwork && { reached: reached(host, keys) }),
      };
      const exports = exportLine(storageExport(storage, address, siteId));
      const step = remoteStep(
        `${name}/${hostName}`,
        { step: "host-storage", show: { storage: JSON.stringify(spec), exports }, hide, machines: [], remove: true },
        { parent: this, ...after },
      );
      return [[hostName, step]];
    });
    this.mounted = new Map(steps);
    this.registerOutputs({});
  }
}
