import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import type { Host, LostHost, Network, SharedStorage } from "../site/model.ts";
import { type BoardGate, newBoardIsReady } from "./board-gate.ts";
import type { GuestImage } from "./guest-image.ts";

export interface HypervisorArgs {
  readonly host: Host;
  readonly network: Network;
  /** Names what the site has on the host; public, from the site's secret, so that no other site has the same. */
  readonly siteId: string;
  readonly siteName: string;
  /** The bridge that VMs attach to; made here where the site has a network of its own. */
  readonly bridge: string;
  /** The guest images that its VMs are made from. */
  readonly images: readonly GuestImage[];
  /** Of a host that boots over the network: it must say by itself that it is ready. */
  readonly gate?: BoardGate;
  /** The folder that it shares with other hosts. */
  readonly storage?: SharedStorage;
  /** What must be in its place before anything is made on it. */
  readonly after: readonly pulumi.Resource[];
}

/** What a VM needs of its host. */
export interface HypervisorParts {
  readonly provider: libvirt.Provider;
  readonly pool: libvirt.Pool;
  /** Where data disks are that all hosts of a storage see, so that their VMs find them on each of these. */
  readonly dataPool: libvirt.Pool | undefined;
  /** By the image's name. */
  readonly images: ReadonlyMap<string, ImageParts>;
  /** A network that must be there first; none where the host brings its own bridge. */
  readonly network: libvirt.Network | undefined;
  /** Where the host must be asked before a VM is made on it. */
  readonly gate: BoardGate | undefined;
}

/** A guest image on a host. */
export interface ImageParts {
  readonly disk: libvirt.Volume;
  readonly kernel: libvirt.Volume;
  readonly initrd: libvirt.Volume;
}

/** A host that runs VMs: one connection, one storage pool, the guest images and, where asked for, a network. */
export class Hypervisor extends pulumi.ComponentResource {
  readonly parts: HypervisorParts;

  constructor(name: string, args: HypervisorArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:Hypervisor", name, {}, options);
    const { host, network, images, gate, storage } = args;
    const ready = gate && newBoardIsReady(name, { ...gate, after: [...gate.after, ...args.after] }, this);
    const provider = new libvirt.Provider(name, { uri: libvirtUri(host, args.siteName) }, { parent: this });
    const on = { parent: this, provider, dependsOn: [...args.after, ...(ready === undefined ? [] : [ready])] };
    const pool = new libvirt.Pool(
      name,
      {
        name: `bramble-${args.siteName}`,
        type: "dir",
        target: { path: `${host.storage}/${args.siteName}-${args.siteId}` },
      },
      { ...on, deleteBeforeReplace: true },
    );
    const dataPool =
      storage &&
      new libvirt.Pool(
        `${name}/data`,
        {
          name: `bramble-${args.siteName}-data`,
          type: "dir",
          target: { path: `${storage.folder}/data/${args.siteName}-${args.siteId}` },
        },
        { ...on, deleteBeforeReplace: true },
      );
    // The hash is part of the logical name: a new image stands beside the old one until no VM uses that any more.
    const volume = (image: GuestImage, file: string, format: string) =>
      new libvirt.Volume(
        `${name}/${image.name}/${file}`,
        { name: `${image.name}-${file}`, pool: pool.name, source: `${image.folder}/${file}`, format },
        on,
      );
    this.parts = {
      provider,
      pool,
      dataPool,
      images: new Map(
        images.map((image) => [
          image.name,
          {
            disk: volume(image, "disk.qcow2", "qcow2"),
            kernel: volume(image, "kernel", "raw"),
            initrd: volume(image, "initrd", "raw"),
          },
        ]),
      ),
      network: network.mode === "bridge" ? undefined : privateNetwork(name, args, on),
      gate,
    };
    this.registerOutputs({});
  }
}

/**
 * A host that is said never to run again: what the state knows on it is deleted without asking it. Its connection keeps
 * its name, so that it is changed before anything uses it once more.
 */
export class LostHypervisor extends pulumi.ComponentResource {
  readonly provider: libvirt.Provider;

  constructor({ name, reason }: LostHost, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:Hypervisor", name, {}, options);
    const uri = `qemu:///system?host=${name}&lost=${encodeURIComponent(reason)}`;
    this.provider = new libvirt.Provider(name, { uri }, { parent: this });
    this.registerOutputs({});
  }
}

/**
 * The address of libvirt on a host. Key and known hosts are files in the work folder, named by a variable, so that
 * the state says the same on every runner. `host` is what our libvirt provider's messages call it.
 */
export function libvirtUri(host: Host, siteName: string): string {
  if (host.connect === "local") return "qemu:///system";
  const folder = `$BRAMBLE_WORK/ssh/${siteName}`;
  const keys = `sshauth=privkey&keyfile=${folder}/deploy-key&knownhosts=${folder}/known_hosts`;
  return `qemu+ssh://${host.user}@${host.address}/system?host=${host.name}&${keys}`;
}

function privateNetwork(name: string, args: HypervisorArgs, on: pulumi.CustomResourceOptions): libvirt.Network {
  const { network, siteName } = args;
  return new libvirt.Network(
    name,
    {
      name: `bramble-${siteName}`,
      mode: network.mode === "nat" ? "nat" : "none",
      bridge: args.bridge,
      addresses: [network.cidr],
      dhcp: { enabled: false }, // guests get their addresses from their seeds
      dns: { enabled: true, localOnly: true },
      autostart: true,
    },
    { ...on, deleteBeforeReplace: true },
  );
}
