import * as z from "zod";
import { choice, count, text } from "./fields.ts";
import { type Parsed, type Refusal, show } from "./problem.ts";

/**
 * The keys of k3s's config.yaml that a site file may say, with k3s's own names. Those that Bramble writes are not among
 * them, nor what would undo what it does. Source: `k3s server --help` and `k3s agent --help` of 1.35.
 */

const argumentPattern = "^[a-z][a-z0-9-]*(=[!-~]([ -~]{0,253}[!-~])?)?$";
const argument = () => text("bad-argument", argumentPattern, ["max-pods=50"], parseArgument);
const argumentsOf = (program: string, example: string) =>
  z
    .array(argument())
    .max(64)
    .optional()
    .meta({ description: `Arguments of ${program}`, examples: [[example]] });
const flag = (description: string) => z.boolean().optional().meta({ description });
const word = (description: string, pattern: string, example: string) =>
  text("bad-value", pattern, [example], matching(pattern, example)).optional().meta({ description });

const onAllNodes = {
  "kubelet-arg": argumentsOf("the kubelet", "max-pods=50"),
  "kube-proxy-arg": argumentsOf("kube-proxy", "v=2"),
  "protect-kernel-defaults": flag("Whether the kubelet refuses to start where the kernel's settings are not its own"),
  "resolv-conf": word("File with the name servers of pods", "^(/[A-Za-z0-9._-]+)+$", "/etc/resolv.conf"),
  snapshotter: choice("overlayfs", "native").optional().meta({ description: "How containers' file systems are made" }),
  debug: flag("Whether k3s logs everything"),
};

const packaged = ["coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"] as const;
export type K3sPackaged = (typeof packaged)[number];

const onServers = {
  ...onAllNodes,
  disable: z
    .array(choice(...packaged))
    .max(packaged.length)
    .optional()
    .meta({ description: "What of k3s is left out", examples: [["traefik", "servicelb"]] }),
  "disable-network-policy": flag("Whether network policies are without effect"),
  "disable-helm-controller": flag("Whether charts that are given as resources are without effect"),
  "flannel-backend": choice("vxlan", "host-gw", "wireguard-native")
    .optional()
    .meta({ description: "How pods of two nodes reach each other" }),
  "cluster-domain": word("Domain of services' names", "^[a-z0-9-]+(\\.[a-z0-9-]+)*$", "cluster.local"),
  "service-node-port-range": word("Ports for services of type NodePort", "^[0-9]{1,5}-[0-9]{1,5}$", "30000-32767"),
  "secrets-encryption": flag("Whether secrets are encrypted in the cluster's state; it can't be changed later"),
  "embedded-registry": flag("Whether nodes fetch images from each other"),
  "disable-default-registry-endpoint": flag("Whether images come from the registries' mirrors only"),
  "etcd-snapshot-schedule-cron": word(
    "When snapshots are taken, with 3 or 5 servers",
    "^[0-9*/,-]+( [0-9*/,-]+){4}$",
    "0 */12 * * *",
  ),
  "etcd-snapshot-retention": count(1, 100).optional().meta({ description: "How many snapshots are kept" }),
  "kube-apiserver-arg": argumentsOf("kube-apiserver", "v=2"),
  "kube-controller-manager-arg": argumentsOf("kube-controller-manager", "v=2"),
  "kube-scheduler-arg": argumentsOf("kube-scheduler", "v=2"),
  "etcd-arg": argumentsOf("etcd", "quota-backend-bytes=4294967296"),
};

export const k3sConfig = {
  servers: z.strictObject(onServers).meta({ description: "Keys for all servers" }),
  agents: z.strictObject(onAllNodes).meta({ description: "Keys for all agents" }),
};

/** What Bramble writes itself, or does in another way, and what to use instead. */
const instead: Readonly<Record<string, string>> = {
  token: "it comes from the site's secret",
  "token-file": "it comes from the site's secret",
  "agent-token": "it comes from the site's secret",
  "agent-token-file": "it comes from the site's secret",
  server: "it follows from endpoint and servers",
  "cluster-init": "it follows from servers.count",
  "cluster-reset": "docs/k3s.md says how to recover a cluster",
  "datastore-endpoint": "the servers keep the state themselves",
  "tls-san": "it follows from endpoint and servers",
  "node-name": "nodes are called as their VMs",
  "with-node-id": "nodes are called as their VMs",
  "node-ip": "it follows from addresses",
  "node-external-ip": "it follows from addresses",
  "advertise-address": "it follows from addresses",
  "bind-address": "it follows from addresses",
  "https-listen-port": "the API is at port 6443",
  "flannel-iface": "a VM has one network interface",
  "node-label": "write labels: in the group of agents",
  "node-taint": "write taints: in the group of agents",
  "cluster-cidr": "write pods:",
  "service-cidr": "write services:",
  "cluster-dns": "it is the tenth address of services:",
  "data-dir": "it is on the data disk, or the system disk of an agent",
  "write-kubeconfig": "`npm run bramble -- kubeconfig` fetches it",
  "write-kubeconfig-mode": "`npm run bramble -- kubeconfig` fetches it",
  "write-kubeconfig-group": "`npm run bramble -- kubeconfig` fetches it",
  "private-registry": "write registries:",
  "default-local-storage-path": "write storage: for volumes that outlive a node",
  "disable-agent": "servers run pods",
  "disable-etcd": "the servers keep the state themselves",
  "disable-apiserver": "every server runs the API",
  "container-runtime-endpoint": "k3s brings its own containerd",
};

/** Why a key of config.yaml may not be in a site file, where k3s has it; undefined for any other key. */
export function keyOfBramble(key: string): Refusal | undefined {
  const hint = Object.hasOwn(instead, key) ? instead[key] : undefined;
  return hint === undefined ? undefined : { message: `Bramble writes ${key} itself`, hint: `remove it: ${hint}` };
}

function parseArgument(argument: string): Parsed<string> {
  if (new RegExp(argumentPattern).test(argument)) return { value: argument };
  const bare = argument.replace(/^-+/, "");
  const hint = `write NAME=VALUE without dashes before it, such as ${new RegExp(argumentPattern).test(bare) ? bare : "max-pods=50"}`;
  return { message: `${show(argument)} is not an argument`, hint };
}

function matching(pattern: string, example: string): (text: string) => Parsed<string> {
  return (written) =>
    new RegExp(pattern).test(written)
      ? { value: written }
      : { message: `${show(written)} cannot be used here`, hint: `write it like ${example}` };
}
