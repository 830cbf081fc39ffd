import { yaml } from "./nocloud.ts";

/** What k3s's config.yaml may say: its long flags without dashes, of which those that may be repeated are lists. */
export type K3sConfig = Readonly<Record<string, K3sValue>>;
export type K3sValue = string | number | boolean | readonly string[];

type Kind = "text" | "number" | "flag" | "list";

/** Keys that servers and agents know (k3s 1.35, pkg/cli/cmds/agent.go). */
const ofNodes: Readonly<Record<string, Kind>> = {
  "data-dir": "text",
  debug: "flag",
  "disable-default-registry-endpoint": "flag",
  "flannel-iface": "text",
  "kube-proxy-arg": "list",
  "kubelet-arg": "list",
  "node-external-ip": "list",
  "node-ip": "list",
  "node-label": "list",
  "node-name": "text",
  "node-taint": "list",
  "pause-image": "text",
  "prefer-bundled-bin": "flag",
  "private-registry": "text",
  "protect-kernel-defaults": "flag",
  "resolv-conf": "text",
  selinux: "flag",
  server: "text",
  snapshotter: "text",
  token: "text",
  "token-file": "text",
};

/** Keys that servers know besides (k3s 1.35, pkg/cli/cmds/server.go). */
const ofServers: Readonly<Record<string, Kind>> = {
  "advertise-address": "text",
  "agent-token": "text",
  "agent-token-file": "text",
  "bind-address": "text",
  "cluster-cidr": "list",
  "cluster-dns": "list",
  "cluster-domain": "text",
  "cluster-init": "flag",
  "default-local-storage-path": "text",
  disable: "list",
  "disable-agent": "flag",
  "disable-cloud-controller": "flag",
  "disable-helm-controller": "flag",
  "disable-kube-proxy": "flag",
  "disable-network-policy": "flag",
  "egress-selector-mode": "text",
  "embedded-registry": "flag",
  "etcd-arg": "list",
  "etcd-disable-snapshots": "flag",
  "etcd-expose-metrics": "flag",
  "etcd-snapshot-compress": "flag",
  "etcd-snapshot-dir": "text",
  "etcd-snapshot-name": "text",
  "etcd-snapshot-retention": "number",
  "etcd-snapshot-schedule-cron": "text",
  "flannel-backend": "text",
  "helm-job-image": "text",
  "https-listen-port": "number",
  "kube-apiserver-arg": "list",
  "kube-cloud-controller-manager-arg": "list",
  "kube-controller-manager-arg": "list",
  "kube-scheduler-arg": "list",
  "secrets-encryption": "flag",
  "service-cidr": "list",
  "service-node-port-range": "text",
  "servicelb-namespace": "text",
  "tls-san": "list",
  "tls-san-security": "flag",
  "write-kubeconfig": "text",
  "write-kubeconfig-group": "text",
  "write-kubeconfig-mode": "text",
};

/**
 * The text of /etc/rancher/k3s/config.yaml (https://docs.k3s.io/installation/configuration), its keys in the order of
 * the alphabet. k3s stops at a key that it does not know, and a list where it wants one value takes the last: so both
 * are refused here. Throws Error, which names the key.
 */
export function k3sConfigFile(role: "server" | "agent", config: K3sConfig): string {
  const known = role === "server" ? { ...ofNodes, ...ofServers } : ofNodes;
  const keys = Object.keys(config).sort();
  const lines = keys.map((key) => [key, checked(role, key, config[key], known)]);
  return `# Written by Bramble; changes are overwritten.\n${yaml(Object.fromEntries(lines))}`;
}

/** A list may be written as one value where it has one, as k3s's own documentation does. */
function checked(role: string, key: string, value: K3sValue | undefined, known: Readonly<Record<string, Kind>>) {
  const kind = Object.hasOwn(known, key) ? known[key] : undefined;
  if (kind === undefined) throw new Error(`config.yaml: k3s ${role} has no key ${JSON.stringify(key)}`);
  const fits: Readonly<Record<Kind, boolean>> = {
    text: isLine(value),
    number: Number.isSafeInteger(value),
    flag: typeof value === "boolean",
    list: isLine(value) || (Array.isArray(value) && value.every(isLine)),
  };
  if (fits[kind]) return kind === "list" && typeof value === "string" ? [value] : value;
  throw new Error(`config.yaml: ${key} is ${JSON.stringify(value)}, and should be ${words[kind]}`);
}

const words: Readonly<Record<Kind, string>> = {
  text: "one line of text",
  number: "a whole number",
  flag: "true or false",
  list: "a list of lines",
};

/** YAML could hold more than a line; no flag of k3s means anything by it. */
function isLine(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !/\p{Cc}/u.test(value);
}
