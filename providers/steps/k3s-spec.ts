import type { SshTarget } from "../transport/ssh.ts";
import { optional, required } from "./environment.ts";
import type { GuestFile } from "./guest-script.ts";

/** What the variable `k3sMembership` holds, as JSON: whose node a VM is, and who else there is. */
export interface K3sMembership {
  readonly site: string;
  readonly cluster: string;
  readonly role: "server" | "agent";
  /** All servers, the one that begins the cluster first; a server is among them itself. */
  readonly servers: readonly SshTarget[];
  /** On which host each VM of `servers` runs, and this one. */
  readonly places: Readonly<Record<string, string>>;
  /** The longest that pods may take to leave the node, in seconds. */
  readonly drain: number;
}

/** What the variable `k3sBundle` holds, as JSON. */
export interface K3sBundle {
  /** A release: `v1.35.0+k3s3`. */
  readonly version: string;
  /** A tar of that release with its images, on the machine that runs Pulumi; the path is below the project. */
  readonly bundle: { readonly file: string; readonly sha256: string };
}

/** What the variable `k3sNode` holds, as JSON: what the node is to be. */
export interface K3sNodeSpec extends K3sBundle {
  readonly datastore: "sqlite" | "etcd";
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly K3sTaint[];
  /** Why a server's disk may be too slow for etcd, in somebody's words. */
  readonly slowDisk?: string;
}

/** Both. */
export type K3sNode = K3sMembership & K3sNodeSpec;

export interface K3sTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** What the variable `k3sSecrets` holds, as JSON. */
export interface K3sSecrets {
  /** For /etc/rancher/k3s/token: the full token, by which who joins knows the server. */
  readonly token: string;
  /** For servers: what agents say to join. */
  readonly agentToken?: string;
  /** For servers: the cluster's authorities, by their path below /var/lib/rancher/k3s/server/tls. */
  readonly authorities?: Readonly<Record<string, string>>;
}

export const k3sData = "/var/lib/rancher/k3s";
export const k3sLibrary = "/usr/local/lib/bramble-k3s";

/** Stands in keepalived's configuration for the name of the guest's network interface. */
export const interfacePlaceholder = "INTERFACE";
/** The program on a server that tells keepalived whether the API there can be used. */
export const readyCheck = `${k3sLibrary}/is-ready`;

export function membership(): K3sMembership {
  const member: K3sMembership = JSON.parse(required("k3sMembership"));
  return member;
}

export function k3sNode(): K3sNode {
  const spec: K3sNodeSpec = JSON.parse(required("k3sNode"));
  return { ...membership(), ...spec };
}

export function nodeSecrets(): K3sSecrets {
  const secrets: K3sSecrets = JSON.parse(required("k3sSecrets"));
  return secrets;
}

/** The name of the systemd unit, as k3s's own installer has it. */
export function unitOf(role: K3sMembership["role"]): "k3s" | "k3s-agent" {
  return role === "server" ? "k3s" : "k3s-agent";
}

/** The files that make a guest a node, but for its authorities, which only a server that has not begun gets. */
export function nodeFiles(spec: Pick<K3sNode, "role">, secrets: K3sSecrets): GuestFile[] {
  const unit = unitOf(spec.role);
  return [
    { path: "/etc/hosts", content: required("hosts") },
    { path: "/etc/chrony/chrony.conf", content: required("chronyConf") },
    { path: "/etc/rancher/k3s/config.yaml", content: required("k3sConfig"), mode: "600" },
    { path: "/etc/rancher/k3s/token", content: `${secrets.token}\n`, mode: "600" },
    ...(secrets.agentToken === undefined
      ? []
      : [{ path: "/etc/rancher/k3s/agent-token", content: `${secrets.agentToken}\n`, mode: "600" }]),
    { path: "/etc/rancher/k3s/registries.yaml", content: optional("k3sRegistries") ?? "" },
    { path: `/etc/default/${unit}`, content: required("k3sEnvironment") },
    { path: `/etc/systemd/system/${unit}.service`, content: serviceUnit(spec.role) },
    ...(spec.role === "agent" ? [] : [{ path: "/etc/systemd/system/var-lib-rancher-k3s.mount", content: dataMount }]),
  ];
}

/** The authorities as files; k3s takes those that it finds at its first start. */
export function authorityFiles(secrets: K3sSecrets): GuestFile[] {
  return Object.entries(secrets.authorities ?? {}).map(([path, content]) => ({
    path: `${k3sData}/server/tls/${path}`,
    content,
    mode: "600",
  }));
}

/** What a server needs to hold the address of the API with others. */
export function endpointFiles(keepalivedConf: string): GuestFile[] {
  const tls = `${k3sData}/server/tls`;
  const check = `#!/bin/sh
exec curl --silent --fail --max-time 12 --output /dev/null --cacert ${tls}/server-ca.crt \\
  --cert ${tls}/client-admin.crt --key ${tls}/client-admin.key https://127.0.0.1:6443/readyz
`;
  return [
    { path: readyCheck, content: check, mode: "755" },
    { path: "/etc/keepalived/keepalived.conf.in", content: keepalivedConf, mode: "600" },
  ];
}

/**
 * Like k3s's own unit, but for its type: it says that it is ready only after minutes where there is no KVM, and nobody
 * waits for that here (https://github.com/k3s-io/k3s/blob/master/k3s.service).
 */
function serviceUnit(role: K3sMembership["role"]): string {
  const path = `${k3sLibrary}/current/bin:${k3sLibrary}/current/cni:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  return `[Unit]
Description=k3s ${role}
Wants=network-online.target
After=network-online.target
${role === "server" ? `RequiresMountsFor=${k3sData}\n` : ""}[Service]
Type=exec
Environment=PATH=${path}
EnvironmentFile=/etc/default/${unitOf(role)}
ExecStart=${k3sLibrary}/current/bin/k3s ${role}
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Restart=always
RestartSec=5
[Install]
WantedBy=multi-user.target
`;
}

const dataMount = `[Unit]
Description=The server's data disk
[Mount]
What=/dev/disk/by-id/virtio-data
Where=${k3sData}
Type=ext4
[Install]
WantedBy=local-fs.target
`;
