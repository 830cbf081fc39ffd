import { type ArtifactLock, isBuilt, lockedArtifact, lockedFile } from "./artifact-lock.ts";

/** Architectures as the kernel calls them (`uname -m`). */
export type K3sArch = "x86_64" | "aarch64";

/** A k3s in the lock: the file that holds it, and what clusters must know of it. */
export interface LockedK3s {
  readonly name: string;
  /** As `v1.35.0+k3s3`. */
  readonly version: string;
  /** Of the bundle, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** What k3s would deploy, but has no images for: they belong into `disable` of its configuration. */
  readonly lacks: readonly string[];
}

/** A version of k3s as its makers write it: `v1.35.0+k3s3`. */
export const k3sVersion = /^v\d{1,3}\.\d{1,3}\.\d{1,3}\+k3s\d{1,3}$/;

/** The name of a k3s in the lock: `k3s-v1.35.0+k3s3-x86_64`. */
export function k3sArtifact(version: string, arch: K3sArch): string {
  return `k3s-${version}-${arch}`;
}

/** What such a name says; undefined for any other name. */
export function parseK3sArtifact(name: string): { readonly version: string; readonly arch: K3sArch } | undefined {
  const [, version = "", arch] = /^k3s-(.+)-(x86_64|aarch64)$/.exec(name) ?? [];
  return k3sVersion.test(version) && (arch === "x86_64" || arch === "aarch64") ? { version, arch } : undefined;
}

/**
 * The k3s of a version in the lock. For previews: it needs no file.
 * @throws Error that names the command that pins it
 */
export function lockedK3s(lock: ArtifactLock, version: string, arch: K3sArch): LockedK3s {
  const name = k3sArtifact(version, arch);
  const { sha256, bytes } = lockedFile(lock, name);
  return { name, version, sha256, bytes, lacks: isBuilt(lockedArtifact(lock, name)) ? lackingInBuilds : [] };
}

/** The manifests of the NFS driver in the lock. */
export const csiNfsArtifact = "csi-driver-nfs";

/** Images of these are in releases alone; one that is built here has those of pods' sandboxes, DNS and a small shell. */
const lackingInBuilds = ["local-storage", "metrics-server", "runtimes", "servicelb", "traefik"] as const;

/** Images that both have, under the names that k3s itself asks for. */
export const k3sImages = {
  pause: "docker.io/rancher/mirrored-pause:3.6",
  coredns: "docker.io/rancher/mirrored-coredns-coredns:1.14.0",
  /** For a small pod. */
  busybox: "docker.io/rancher/mirrored-library-busybox:1.37.0",
} as const;
