import * as pulumi from "@pulumi/pulumi";
import type { ArtifactLock } from "../formats/artifact-lock.ts";
import { sshKeyPair } from "../formats/ssh-key.ts";
import { ownerMark } from "../site/identity.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Boot, Site as SiteModel, Vm } from "../site/model.ts";
import { Board } from "./board.ts";
import { planBoot } from "./boot-plan.ts";
import { BootServer } from "./boot-server.ts";
import type { GuestImage } from "./guest-image.ts";
import { Hypervisor } from "./hypervisor.ts";
import { hostKeyOf } from "./key-files.ts";
import { SlurmCluster } from "./slurm-cluster.ts";
import { VirtualMachine } from "./virtual-machine.ts";

export interface SiteArgs {
  readonly site: SiteModel;
  readonly keys: SiteKeys;
  /** Public; tells what the site made on a host from what another site of the same name made. */
  readonly siteId: string;
  /** The image for guests of an architecture. */
  readonly image: (arch: "x86_64" | "aarch64") => GuestImage;
  /** The pinned files that boards boot from. */
  readonly lock: ArtifactLock;
}

/** A whole site: its hosts, and the clusters on them. */
export class Site extends pulumi.ComponentResource {
  constructor(name: string, args: SiteArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:Site", name, {}, options);
    const { site, keys, siteId } = args;
    const deployKey = sshKeyPair(keys.deployKey());
    // A network that libvirt makes gets a bridge that no other site has, whatever that one is called.
    const bridge = site.network.bridge ?? `bv-${siteId}`;
    const hosts = new Map(
      site.hosts.map((host) => [
        host.name,
        {
          host,
          image: args.image(host.arch),
          hypervisor: new Hypervisor(
            host.name,
            { host, network: site.network, siteName: site.name, siteId, bridge, image: args.image(host.arch) },
            { parent: this },
          ),
        },
      ]),
    );
    const vms = new Map(site.vms.map((vm) => [vm.name, vm]));
    const machine = (vm: Vm, disposable: boolean, parent: pulumi.Resource, after: readonly pulumi.Resource[]) => {
      const place = found(hosts, vm.host);
      return new VirtualMachine(
        vm.name,
        {
          vm,
          host: place.host,
          hypervisor: place.hypervisor.parts,
          image: place.image,
          network: site.network,
          bridge,
          siteName: site.name,
          owner: ownerMark(site.name, siteId),
          hostKey: sshKeyPair(keys.sshHostKey(vm.name)),
          deployKey,
          disposable,
          after,
        },
        { parent },
      );
    };
    for (const cluster of site.clusters) {
      new SlurmCluster(
        cluster.name,
        {
          cluster,
          network: site.network,
          users: site.users,
          mungeKey: keys.mungeKey(cluster.name),
          deployKey: deployKey.privateKey,
          machine: (vmName, parent, after) => machine(found(vms, vmName), cluster.disposable, parent, after),
        },
        { parent: this },
      );
    }
    if (site.boot !== undefined) bootOf(site.boot, args, deployKey.privateKey, this);
    this.registerOutputs({});
  }
}

function bootOf(boot: Boot, { site, keys, siteId, lock }: SiteArgs, deployKey: string, parent: pulumi.Resource): void {
  const { server } = boot;
  const planned = planBoot(boot, lock);
  if (!planned.ok) throw new pulumi.RunError(`The site's boards can't be booted:\n${planned.problems.join("\n")}`);
  const { system, boards, warnings } = planned.plan;
  if (warnings.length > 0) void pulumi.log.warn(warnings.join("\n"), parent);
  const { parts } = new BootServer(
    server.board,
    {
      boot,
      network: site.network,
      owner: { site: site.name, id: siteId },
      system,
      reached:
        server.connect === "local"
          ? { connect: "local" }
          : {
              connect: "ssh",
              name: server.board,
              address: server.address,
              user: server.user,
              hostKey: hostKeyOf({ ...server, name: server.board }, keys),
            },
      deployKey,
    },
    { parent },
  );
  for (const plan of boards) {
    const { name } = plan.board;
    new Board(name, { plan, parts, keep: server.keep, hostKey: hostKeyOf(plan.board, keys) }, { parent });
  }
}

/** What readSite() named exists; a name without its thing is a defect there, not a mistake of the user. */
function found<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`the site names ${String(key)}, which it does not have`);
  return value;
}
