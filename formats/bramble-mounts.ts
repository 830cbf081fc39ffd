/** What a host mounts before it starts VMs, and where it keeps what outlives a reboot. */
export type BrambleMount =
  /** A folder of an NFS server, and the word that must stand in its marker file. */
  | {
      readonly kind: "nfs4";
      readonly address: string;
      readonly path: string;
      readonly folder: string;
      readonly marker: string;
    }
  /** A partition with ext4 on it, by its name in /dev/disk/by-id. */
  | { readonly kind: "ext4"; readonly drive: string; readonly folder: string }
  /** The folder for what is kept; it is on one of the others. */
  | { readonly kind: "lasting"; readonly folder: string };

/** Where the file is on a host. */
export const mountsPath = "/etc/bramble/mounts";
/** A file at the top of every storage: what has none is an empty mount point, or somebody else's folder. */
export const markerFile = ".bramble-storage";

/**
 * Options of mount(8) for a storage (nfs(5)). hard: while the server is away, VMs stall and go on when it is back, and
 * are never told of an error that a file system in them would take for a broken disk. Version 4.2 keeps locks in
 * leases, so those of a host that died end, and it has no other daemons. Nothing on it is a program or a device.
 */
export const nfsOptions = "rw,hard,vers=4.2,proto=tcp,noatime,nosuid,nodev,noexec";

/**
 * The text of etc/bramble/mounts, one line each, words without spaces: `nfs4 ADDRESS:PATH FOLDER OPTIONS MARKER`,
 * `ext4 DEVICE FOLDER OPTIONS -`, `lasting FOLDER`. Read by the board's init scripts and by libvirt's hook.
 */
export function mountsFile(mounts: readonly BrambleMount[]): string {
  return mounts.map((mount) => `${words(mount).map(oneWord).join(" ")}\n`).join("");
}

/** The word in a storage's marker file: which site's storage it is, and which of its. */
export function storageMarker(siteId: string, storage: string): string {
  return `${siteId}-${storage}`;
}

function words(mount: BrambleMount): string[] {
  switch (mount.kind) {
    case "nfs4":
      return ["nfs4", `${mount.address}:${mount.path}`, mount.folder, nfsOptions, mount.marker];
    case "ext4":
      return ["ext4", `/dev/disk/by-id/${mount.drive}`, mount.folder, "noatime", "-"];
    case "lasting":
      return ["lasting", mount.folder];
  }
}

function oneWord(word: string): string {
  if (/^[!-~]+$/.test(word)) return word;
  throw new Error(`${JSON.stringify(word)} can't stand in ${mountsPath}: it must be one word of printable ASCII`);
}
