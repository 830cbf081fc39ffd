import type { Cluster, Host, Site } from "../site/model.ts";

/** A guest image as the runner has it: what VMs are made from. Its name says what it was built from. */
export interface GuestImage {
  /** `RECIPE-HASH`, also in the guest's /etc/bramble-image. */
  readonly name: string;
  /** The folder on the runner with disk.qcow2, kernel and initrd, relative to the project: the same on every runner. */
  readonly folder: string;
}

/**
 * For which types of cluster a host has an image: those of its VMs. One that runs none yet has that of Slurm, the smallest,
 * so that what is wrong with its pool or its disk shows before a cluster needs it.
 */
export function imageTypes(site: Pick<Site, "clusters" | "vms">, host: Pick<Host, "name">): Cluster["type"][] {
  const types = new Map(site.clusters.map(({ name, type }) => [name, type]));
  const own = site.vms.filter((vm) => vm.host === host.name).map((vm) => types.get(vm.cluster) ?? "slurm");
  return own.length === 0 ? ["slurm"] : [...new Set(own)].sort();
}

/**
 * The kernel's parameters, as the provider's `cmdlines` gives them back: words without a value apart, under `_`. In
 * another order every preview would show a change. The image is one file system on the whole disk, booted directly. An
 * emulated guest has its programs at the same addresses each time, since QEMU would translate each anew otherwise, at
 * each start: a third of what it translates is left, and a boot takes a fifth less (bench/RESULTS.md).
 */
export function kernelParameters(host: Pick<Host, "arch" | "accelerator">): Record<string, string>[] {
  const console = host.arch === "x86_64" ? "ttyS0" : "ttyAMA0";
  return [{ console, root: "/dev/vda" }, { _: host.accelerator === "tcg" ? "rw quiet norandmaps" : "rw quiet" }];
}
