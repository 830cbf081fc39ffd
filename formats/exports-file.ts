import { createHash } from "node:crypto";

/** A folder that an NFS server offers. */
export interface NfsExport {
  readonly path: string;
  /** Who may mount it, by address; each with read and write access. */
  readonly clients: readonly string[];
  /**
   * Makes it the disk store of hosts: their root stays root in it, and it is told from other exports by this name.
   * libvirt makes each disk as root and gives it to the user that QEMU runs as, another number on each distribution
   * (https://libvirt.org/drvqemu.html#posix-users-groups); squashed, it could not. So this is for single addresses
   * of machines that have root over all disks in it anyway, and for a folder with nothing else in it.
   */
  readonly store?: string;
  /**
   * Makes it one folder of a file system that others have other folders of: the server looks at each request whether the
   * file lies in it, since a client's root could name any file of the file system (exports(5), subtree_check).
   */
  readonly part?: true;
  /** Offered only while a file system is mounted there, so that what lies below an absent disk is never in its place. */
  readonly mountpoint?: string;
  /** Words at the end of the line, by which it is found again. */
  readonly note?: string;
}

/** The file for what a site's server exports to its hosts; /etc/exports is the administrator's. */
export function storageExportsPath(site: string): string {
  return `/etc/exports.d/bramble-${site}.exports`;
}

/** The text of /etc/exports (exports(5)), one client per address: nobody else on the network may mount. */
export function exportsFile(exports: readonly NfsExport[]): string {
  return ["# Written by Bramble; changes are overwritten.", ...exports.map(exportLine), ""].join("\n");
}

/** One line of it. */
export function exportLine({ path, clients, store, part, mountpoint, note }: NfsExport): string {
  const options =
    store === undefined
      ? ["rw", "sync", part ? "subtree_check" : "no_subtree_check", "root_squash"]
      : ["rw", "sync", "no_subtree_check", "no_root_squash", "sec=sys", `fsid=${exportId(store)}`];
  if (mountpoint !== undefined) options.push(`mountpoint=${mountpoint}`);
  const hosts = clients.map((client) => `${client}(${options.join(",")})`);
  return `${path} ${hosts.join(" ")}${note === undefined ? "" : ` # ${note}`}`;
}

/**
 * What clients know an export by, as a UUID in exports(5)' form of `fsid=`. It depends on the name alone, so that a
 * server that is made anew, with the disk in another place, is the same one to those who have it mounted.
 */
export function exportId(name: string): string {
  const hex = createHash("sha256").update(`nfs export ${name}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
