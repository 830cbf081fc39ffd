import { createHash } from "node:crypto";
import { certificateAuthority } from "./certificate-authority.ts";

/** The authorities that k3s has, by the file that it looks for (contrib/util/generate-custom-ca-certs.sh). */
export const k3sAuthorities = ["server", "client", "request-header", "etcd-peer", "etcd-server"] as const;
export type K3sAuthority = (typeof k3sAuthorities)[number];

export interface K3sPki {
  /** Texts by their path below `/var/lib/rancher/k3s/server/tls`. Those that end in `.key` are secret. */
  readonly files: Readonly<Record<string, string>>;
  /** What a joiner knows the cluster by, and has in its token. Public. */
  readonly caHash: string;
}

/**
 * What a server needs before its first start, so that it takes these authorities and makes none. Each signs itself, as
 * those do that k3s makes: none can speak for another.
 * @param seed the secret of one, 32 bytes or more.
 */
export function k3sPki(cluster: string, seed: (authority: K3sAuthority) => Uint8Array): K3sPki {
  const files: Record<string, string> = {};
  for (const authority of k3sAuthorities) {
    const { certificate, privateKey } = certificateAuthority(seed(authority), `k3s-${authority}-ca@${cluster}`);
    files[`${fileOf(authority)}.crt`] = certificate;
    files[`${fileOf(authority)}.key`] = privateKey;
  }
  return { files, caHash: k3sCaHash(files[`${fileOf("server")}.crt`] ?? "") };
}

/** SHA-256 of a file with one certificate, byte for byte: k3s, pkg/clientaccess/token.go, hashCA. */
export function k3sCaHash(serverCertificate: string): string {
  return createHash("sha256").update(serverCertificate).digest("hex");
}

function fileOf(authority: K3sAuthority): string {
  return `${authority.replace(/^etcd-/, "etcd/")}-ca`;
}
