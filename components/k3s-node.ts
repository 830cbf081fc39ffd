import { chronyConf } from "../formats/chrony-conf.ts";
import { hostsFile } from "../formats/hosts-file.ts";
import { k3sConfigFile } from "../formats/k3s-config.ts";
import { registriesFile } from "../formats/k3s-registries.ts";
import { keepalivedConf } from "../formats/keepalived-conf.ts";
import type { Variable } from "../providers/steps/environment.ts";
import {
  interfacePlaceholder,
  type K3sBundle,
  type K3sNodeSpec,
  type K3sSecrets,
  readyCheck,
} from "../providers/steps/k3s-spec.ts";
import type { Taint } from "../site/kubernetes-names.ts";
import type { Slot, VmName } from "../site/model.ts";
import type { K3sClusterArgs } from "./k3s-cluster.ts";
import { joinPatience, patientEnvironment } from "./k3s-patience.ts";
import { k3sSettings } from "./k3s-settings.ts";

export interface K3sNode {
  readonly name: VmName;
  readonly role: "server" | "agent";
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** A file whose content is pinned, in the cache on the machine that runs Pulumi. */
export interface PinnedFile {
  /** Below the project: the same on every runner. */
  readonly file: string;
  readonly sha256: string;
}

/** A release of k3s as a tar with its images. */
export interface K3sRelease extends PinnedFile {
  /** Parts of k3s for which it has no images; they are left out. */
  readonly lacks: readonly string[];
}

/** What the step is told that makes a VM a node. */
export function k3sNode(
  args: K3sClusterArgs,
  node: K3sNode,
): { show: Partial<Record<Variable, string>>; hide: Partial<Record<Variable, string>> } {
  const { cluster, identity, network } = args;
  const host = args.hostOf(node.name);
  const isServer = node.role === "server";
  const { lacks } = args.release(host.arch);
  const spec: K3sNodeSpec = {
    ...bundleOf(args, node.name),
    datastore: cluster.datastore,
    labels: node.labels,
    taints: node.taints,
    ...(cluster.slowDisk && { slowDisk: cluster.slowDisk }),
  };
  const secrets: K3sSecrets = isServer
    ? {
        token: identity.serverToken.full,
        agentToken: identity.agentToken.password,
        authorities: identity.authorities,
      }
    : { token: identity.agentToken.full };
  const settings = k3sSettings(cluster, node, args.targetOf(node.name).address, host.accelerator, lacks);
  return {
    show: {
      ...args.leaving(node.name),
      k3sNode: JSON.stringify(spec),
      k3sConfig: k3sConfigFile(node.role, settings),
      k3sEnvironment: environmentFile(patientEnvironment(host.accelerator)),
      ...(cluster.registries && { k3sRegistries: registriesFile(cluster.registries) }),
      ...(isServer && cluster.endpoint && { keepalivedConf: endpointConf(args, node, cluster.endpoint) }),
      hosts: hostsFile(everyNode(args).map(({ name, address }) => ({ address, names: [name] }))),
      chronyConf: chronyConf({ servers: network.ntp, allow: [] }),
      patience: String(joinPatience[host.accelerator]),
    },
    hide: { sshKey: args.deployKey, k3sSecrets: JSON.stringify(secrets) },
  };
}

/** What the step is told that brings the release to a VM, before it is its turn to run it. */
export function k3sBundle(args: K3sClusterArgs, name: VmName) {
  return {
    show: { guest: JSON.stringify(args.targetOf(name)), k3sBundle: JSON.stringify(bundleOf(args, name)) },
    hide: { sshKey: args.deployKey },
  };
}

function bundleOf({ cluster, release, hostOf }: K3sClusterArgs, name: VmName): K3sBundle {
  const { file, sha256 } = release(hostOf(name).arch);
  return { version: cluster.version, bundle: { file, sha256 } };
}

/** Every name that the cluster can ever have, so that a node that comes or goes changes no file on another. */
function everyNode({ cluster }: K3sClusterArgs): readonly Slot[] {
  return [...cluster.serverSlots, ...cluster.groups.flatMap(({ slots }) => slots)];
}

/** How a server takes part in holding the address of the API. */
function endpointConf({ cluster, network, targetOf }: K3sClusterArgs, node: K3sNode, endpoint: string): string {
  const self = targetOf(node.name).address;
  return keepalivedConf({
    name: node.name,
    interface: interfacePlaceholder,
    address: endpoint,
    prefixLength: network.prefixLength,
    self,
    peers: cluster.serverSlots.map(({ address }) => address).filter((address) => address !== self),
    check: readyCheck,
    patience: { interval: 20, timeout: 15, fall: 2, rise: 1 },
  });
}

/** Variables for systemd's EnvironmentFile. */
function environmentFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  return `# Written by Bramble; changes are overwritten.\n${lines.join("")}`;
}
