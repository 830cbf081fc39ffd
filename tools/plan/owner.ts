import { parseUrn } from "../stack/urn.ts";
import type { Change } from "./changes.ts";

/** What a resource belongs to, in the words of the site file. */
export interface Owner {
  readonly kind: "board" | "vm" | "cluster" | "storage" | "site";
  readonly name: string;
}

/** All that belongs to one machine, with what stays as it is. */
export interface Belongings {
  readonly owner: Owner;
  readonly changes: readonly Change[];
}

/**
 * The machine that a resource is of, by the component that it is a part of. What clusters and storages do on a machine
 * bears its name: `physics-n1/slurm`, `shelf/pi1`.
 */
export function ownerOf({ urn, old, new: next }: Pick<Change, "urn" | "old" | "new">): Owner {
  const self = parseUrn(urn);
  const parent = parseUrn((next ?? old)?.parent ?? "");
  const component = self.type.startsWith(components) ? self : parent;
  const [before = "", after] = self.name.split("/");
  switch (component.type.slice(components.length)) {
    case "VirtualMachine":
      return { kind: "vm", name: component.name };
    case "Hypervisor":
    case "Board":
    case "BootServer":
      return { kind: "board", name: component.name };
    case "SlurmCluster":
    case "K3sCluster":
      return after === undefined ? { kind: "cluster", name: component.name } : { kind: "vm", name: before };
    case "SharedStorage":
      return after === undefined ? { kind: "storage", name: component.name } : { kind: "board", name: after };
    default:
      return { kind: "site", name: "site" };
  }
}

/** The host that a resource of a VM is on: the name of the libvirt connection that makes it. */
export function hostOf(state: Change["old"]): string | undefined {
  const { type, name } = parseUrn(state?.provider ?? "");
  return type === "pulumi:providers:libvirt" ? name.replace(/::[^:]*$/, "") : undefined;
}

const components = "bramble:index:";
