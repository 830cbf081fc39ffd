/** A guest image as the runner has it: what VMs are made from. Its name says what it was built from. */
export interface GuestImage {
  /** `RECIPE-HASH`, also in the guest's /etc/bramble-image. */
  readonly name: string;
  /** The folder on the runner with disk.qcow2, kernel and initrd, relative to the project: the same on every runner. */
  readonly folder: string;
}

/**
 * The kernel's parameters, as the provider's `cmdlines` takes them: words without a value under `_`. The image is one
 * file system on the whole disk, booted directly.
 */
export function kernelParameters(arch: "x86_64" | "aarch64"): Record<string, string> {
  return { root: "/dev/vda", rootfstype: "ext4", console: arch === "x86_64" ? "ttyS0" : "ttyAMA0", _: "rw quiet" };
}

export function guestImage(_arch: string): GuestImage { return { name: "debian-13-slurm-0000", folder: ".bramble/images/debian-13-slurm-0000" }; }
