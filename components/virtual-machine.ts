import { createHash } from "node:crypto";
import type { local } from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { domainXslt } from "../formats/domain-xslt.ts";
import { nocloudFiles } from "../formats/nocloud.ts";
import type { SshKeyPair } from "../formats/ssh-key.ts";
import { privateVolumeXslt } from "../formats/volume-xslt.ts";
import type { SshTarget } from "../providers/transport/ssh.ts";
import type { Host, HostName, Network, Vm } from "../site/model.ts";
import { boardTakesVm } from "./board-gate.ts";
import { type GuestImage, kernelParameters } from "./guest-image.ts";
import type { HypervisorParts } from "./hypervisor.ts";
import { remoteStep } from "./remote-step.ts";

export interface VirtualMachineArgs {
  readonly vm: Vm;
  readonly host: Host;
  readonly hypervisor: HypervisorParts;
  readonly network: Network;
  readonly bridge: string;
  readonly image: GuestImage;
  readonly siteName: string;
  /** Written into the domain, so that whoever finds it knows whose it is. */
  readonly owner: string;
  readonly hostKey: SshKeyPair;
  readonly deployKey: SshKeyPair;
  /** Whether the data disk may go with the VM. */
  readonly disposable: boolean;
  /** Whether the VM may get another data disk all the same; the old one then stays where it is. */
  readonly releaseData: boolean;
  /** What must be in its place before anything of the VM is made or replaced. */
  readonly after: readonly pulumi.Resource[];
}

/** The longest that a first boot may take before the stack calls it failed, in seconds. */
const bootPatience = { kvm: 180, tcg: 600 } as const;

/**
 * A VM: overlay on the guest image, seed, domain, and a gate that opens when the guest itself says that it is ready.
 * MAC, UUID and disks belong to the VM and not to the host: when it moves, it is shut down and gone on the old host
 * before it is made on the new one, so there is never a second one of it, nor a second writer of its disk.
 */
export class VirtualMachine extends pulumi.ComponentResource {
  readonly target: SshTarget;
  /** Where it runs. */
  readonly host: HostName;
  readonly domain: libvirt.Domain;
  readonly ready: local.Command;

  constructor(name: string, args: VirtualMachineArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:VirtualMachine", name, {}, options);
    const { vm, host, hypervisor, network, image } = args;
    this.host = host.name;
    const on = { parent: this, provider: hypervisor.provider, deleteBeforeReplace: true };
    const files = nocloudFiles({
      hostname: vm.hostname,
      instanceId: vm.uuid,
      hostKey: args.hostKey,
      authorizedKeys: [args.deployKey.publicKey],
      network: {
        mac: vm.mac,
        address: `${vm.address}/${network.prefixLength}`,
        dns: network.dns,
        ...(network.gateway === undefined ? {} : { gateway: network.gateway }),
      },
    });
    const seedHash = sha256(Object.values(files).join("\0"));
    const after = [...args.after, ...hostIsFit(name, args, seedHash, this)];
    const { dataPool } = hypervisor;
    const base = hypervisor.images.get(image.name);
    if (base === undefined) throw new Error(`${host.name} does not have the image ${image.name} that ${name} needs`);
    // Each disk takes its pool from the one before it: the engine follows such ties, so that whatever makes another
    // machine of this one first takes it out of its cluster, then shuts it down, and only then deletes a disk.
    const data =
      vm.dataGiB === undefined
        ? undefined
        : new libvirt.Volume(
            `${name}/data`,
            {
              name: `${vm.name}-data.qcow2`,
              pool: (dataPool ?? hypervisor.pool).name,
              size: gib(vm.dataGiB),
              format: "qcow2",
              xml: { xslt: privateVolumeXslt },
            },
            {
              ...on,
              dependsOn: after,
              // On a storage that hosts share it stays where it is when the VM moves, and only who is asked about it is
              // another. Leaving the storage is another pool, and so another disk, which `protect` refuses.
              ...(dataPool === undefined ? { replacementTrigger: host.name } : {}),
              protect: !args.disposable && !args.releaseData,
              retainOnDelete: !args.disposable,
            },
          );
    const overlay = new libvirt.Volume(
      name,
      {
        name: `${vm.name}.qcow2`,
        pool:
          data === undefined || dataPool !== undefined ? hypervisor.pool.name : data.pool.apply((pool) => pool ?? ""),
        baseVolumeId: base.disk.id,
        size: gib(vm.diskGiB),
        format: "qcow2",
        xml: { xslt: privateVolumeXslt },
      },
      // A guest reads its seed once, so another seed wants a system that has not booted yet.
      { ...on, dependsOn: after, replacementTrigger: [host.name, seedHash] },
    );
    const seed = new libvirt.CloudinitDisk(
      name,
      {
        name: `${vm.name}-seed.iso`,
        pool: overlay.pool.apply((pool) => pool ?? ""),
        userData: pulumi.secret(files.userData),
        metaData: files.metaData,
        networkConfig: files.networkConfig,
      },
      on,
    );
    const disks = [
      { serial: "system", volumeId: overlay.id },
      { serial: "seed", volumeId: seed.id.apply(volumeKey) },
      ...(data === undefined ? [] : [{ serial: "data", volumeId: data.id }]),
    ];
    const domainName = `${args.siteName}-${vm.name}`;
    this.domain = new libvirt.Domain(
      name,
      {
        name: domainName,
        description: args.owner,
        type: host.accelerator === "kvm" ? "kvm" : "qemu",
        arch: host.arch,
        cpu: { mode: host.accelerator === "kvm" ? "host-passthrough" : "maximum" },
        vcpu: vm.cpus,
        memory: vm.memoryMiB,
        kernel: base.kernel.id,
        initrd: base.initrd.id,
        cmdlines: kernelParameters(host),
        disks: disks.map(({ volumeId }) => ({ volumeId })),
        networkInterfaces: [{ bridge: args.bridge, mac: vm.mac.toUpperCase() }],
        consoles: [{ type: "pty", targetType: "serial", targetPort: "0" }],
        autostart: true,
        xml: {
          xslt: domainXslt({
            name: domainName,
            uuid: vm.uuid,
            diskSerials: disks.map(({ serial }) => serial),
            arch: host.arch,
            memoryMiB: vm.memoryMiB,
            emulated: host.accelerator === "tcg",
          }),
        },
      },
      {
        ...on,
        ...(hypervisor.network === undefined ? {} : { dependsOn: hypervisor.network }),
        // The provider reports these as changed in place and does nothing.
        replaceOnChanges: ["kernel", "initrd", "arch", "networkInterfaces", "description"],
      },
    );
    this.target = { name: vm.name, address: vm.address, user: "root", hostKey: args.hostKey.publicKey };
    this.ready = remoteStep(
      `${name}/ready`,
      {
        step: "guest-ready",
        show: {
          guest: JSON.stringify(this.target),
          image: image.name,
          patience: String(bootPatience[host.accelerator]),
        },
        hide: { sshKey: args.deployKey.privateKey },
        machines: [this.domain],
      },
      { parent: this, dependsOn: this.domain },
    );
    this.registerOutputs({});
  }
}

/**
 * On a host that boots over the network: the question whether it is fit, which is asked before another VM of this name is
 * made, and so before the one that is there is drained or deleted.
 */
function hostIsFit(name: string, args: VirtualMachineArgs, seedHash: string, parent: pulumi.Resource) {
  const { vm, host, hypervisor, image, bridge, owner } = args;
  if (hypervisor.gate === undefined) return [];
  const { cpus, memoryMiB, diskGiB, dataGiB } = vm;
  const makesAnother = [host.name, host.storage, host.accelerator, image.name, bridge, owner, seedHash];
  const fingerprint = sha256(JSON.stringify([...makesAnother, cpus, memoryMiB, diskGiB, dataGiB]));
  return [boardTakesVm(name, fingerprint, hypervisor.gate, parent)];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function gib(value: number): number {
  return value * 2 ** 30;
}

/** The provider's id of a seed is `KEY;UUID`, where KEY is the volume's. */
function volumeKey(seedId: string): string {
  return seedId.split(";")[0] ?? seedId;
}
