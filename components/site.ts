import * as pulumi from "@pulumi/pulumi";
import { sshKeyPair } from "../formats/ssh-key.ts";
import { Roster } from "../providers/roster/resource.ts";
import { ownerMark } from "../site/identity.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Arch, Cluster, Host, HostName, Site as SiteModel, Vm } from "../site/model.ts";
import type { BootPlan } from "./boot-plan.ts";
import { type K3sReleases, makeClusters } from "./clusters.ts";
import { type GuestImage, imageTypes } from "./guest-image.ts";
import { Hypervisor, LostHypervisor } from "./hypervisor.ts";
import { networkBoot } from "./network-boot.ts";
import { siteRoster } from "./roster.ts";
import { SharedStorage } from "./shared-storage.ts";
import { VirtualMachine } from "./virtual-machine.ts";

export interface SiteArgs {
  readonly site: SiteModel;
  readonly keys: SiteKeys;
  /** Public; tells what the site made on a host from what another site of the same name made. */
  readonly siteId: string;
  /** The image for the VMs of a type of cluster, on an architecture. */
  readonly image: (arch: Arch, type: Cluster["type"]) => GuestImage;
  /** What is pinned of a release of k3s. @throws Error when nothing is, which a site that is built has been checked for. */
  readonly k3s: K3sReleases;
  /** What boards boot that do so over the network; missing where none does. */
  readonly plan?: BootPlan;
}

/** A whole site: its hosts, and the clusters on them. */
export class Site extends pulumi.ComponentResource {
  constructor(name: string, args: SiteArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:Site", name, {}, options);
    const { site, keys, siteId } = args;
    const deployKey = sshKeyPair(keys.deployKey());
    const { boot } = site;
    const deploy = deployKey.privateKey;
    const gates =
      boot !== undefined && args.plan !== undefined
        ? networkBoot({ site: { ...site, boot }, plan: args.plan, keys, siteId, deployKey: deploy }, this)
        : undefined;
    const gateOf = ({ name }: Host) => {
      const gate = gates?.get(name);
      return gate === undefined ? {} : { gate };
    };
    // A network that libvirt makes gets a bridge that no other site has, whatever that one is called.
    const bridge = site.network.bridge ?? `bv-${siteId}`;
    const storages = site.storages.map(
      (storage) =>
        new SharedStorage(storage.name, { storage, site, siteId, keys, deployKey: deploy }, { parent: this }),
    );
    const lost = site.lost.map((host) => new LostHypervisor(host, { parent: this }));
    const sharedByName = new Map(site.storages.map((storage) => [storage.name, storage]));
    // Nothing is made elsewhere before the hosts that are lost can write no more, and are asked no more.
    const fenced = [
      ...lost.map(({ provider }) => provider),
      ...site.storages.flatMap((storage, index) => (storage.lost.length > 0 ? [storages[index]?.server] : [])),
    ].filter((step) => step !== undefined);
    const mounted = (host: HostName) => storages.flatMap((storage) => storage.mounted.get(host) ?? []);
    const types = new Map(site.clusters.map(({ name, type }) => [name, type]));
    const typeOf = (vm: Vm) => found(types, vm.cluster);
    const hosts = new Map(
      site.hosts.map((host) => [
        host.name,
        {
          host,
          hypervisor: new Hypervisor(
            host.name,
            {
              host,
              network: site.network,
              siteName: site.name,
              siteId,
              bridge,
              images: imageTypes(site, host).map((type) => args.image(host.arch, type)),
              ...gateOf(host),
              ...(host.shared && { storage: found(sharedByName, host.shared) }),
              after: mounted(host.name),
            },
            { parent: this },
          ),
        },
      ]),
    );
    const listed = siteRoster(site, keys, siteId);
    const machines = new Map(Object.entries(listed.machines));
    const roster = new Roster(site.name, listed, { parent: this, dependsOn: fenced });
    const vms = new Map(site.vms.map((vm) => [vm.name, vm]));
    const machine = (vm: Vm, cluster: Cluster, parent: pulumi.Resource, after: readonly pulumi.Resource[]) => {
      const place = found(hosts, vm.host);
      return new VirtualMachine(
        vm.name,
        {
          vm,
          host: place.host,
          hypervisor: place.hypervisor.parts,
          image: args.image(place.host.arch, typeOf(vm)),
          network: site.network,
          bridge,
          siteName: site.name,
          owner: ownerMark(site.name, siteId),
          hostKey: sshKeyPair(keys.sshHostKey(vm.name)),
          deployKey,
          disposable: cluster.disposable,
          // The guard has seen to it that this is about no other disk than the one that was meant.
          releaseData: site.allow["data-lost"] !== undefined || isOneMore(cluster, vm),
          after: [roster, ...fenced, ...mounted(vm.host), ...after],
        },
        { parent },
      );
    };
    const servers = new Map(
      storages.flatMap(({ server, reached }, index) => {
        const name = site.storages[index]?.name;
        return name === undefined || server === undefined || reached === undefined
          ? []
          : [[name, { ready: server, reached }]];
      }),
    );
    makeClusters(
      {
        site,
        siteId,
        keys,
        k3s: args.k3s,
        storageServer: ({ name }) => servers.get(name),
        leaving: (name) => found(machines, name).leave?.show ?? {},
        machine: (cluster, vmName, parent, after) => machine(found(vms, vmName), cluster, parent, after),
      },
      this,
    );
    this.registerOutputs({});
  }
}

/** What readSite() named exists; a name without its thing is a defect there, not a mistake of the user. */
function found<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`the site names ${String(key)}, which it does not have`);
  return value;
}

/**
 * Whether it is a server of k3s beside the first one, with the same data. It may go, while the first one's disk stays
 * protected, so that nobody destroys a whole cluster by mistake.
 */
function isOneMore(cluster: Cluster, { name }: Vm): boolean {
  return cluster.type === "k3s" && cluster.servers.indexOf(name) > 0;
}
