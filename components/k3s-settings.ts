import { printTaint } from "../site/kubernetes-names.ts";
import type { Accelerator, K3sCluster, K3sSettings } from "../site/model.ts";
import type { K3sNode } from "./k3s-node.ts";
import { patientSettings } from "./k3s-patience.ts";

/**
 * What a node's config.yaml says. Whether a server begins the cluster or joins it is not among it: that depends on what
 * is there when it starts (providers/steps/k3s-joining.ts).
 * @param lacks parts of k3s that its release has no images for
 */
export function k3sSettings(
  cluster: K3sCluster,
  node: K3sNode,
  address: string,
  accelerator: Accelerator,
  lacks: readonly string[],
): K3sSettings {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  // Given at the first registration, so that no pod comes first; from then on the step keeps them right.
  const marks = {
    ...(labels.length > 0 && { "node-label": labels }),
    ...(node.taints.length > 0 && { "node-taint": node.taints.map(printTaint) }),
  };
  const own = {
    "node-name": node.name,
    "node-ip": address,
    "token-file": "/etc/rancher/k3s/token",
    ...marks,
  };
  if (node.role === "agent") return merged({ ...own, server: apiUrl(cluster) }, cluster.settings.agents);
  const { endpoint, serverSlots, storage } = cluster;
  const servers: K3sSettings = {
    ...own,
    "agent-token-file": "/etc/rancher/k3s/agent-token",
    // Said, since k3s would look for it at the default route, which a network of its own does not have.
    "advertise-address": address,
    // Every name that there can ever be: a certificate is not made anew because a server comes.
    "tls-san": [
      ...(endpoint === undefined ? [] : [endpoint]),
      ...serverSlots.flatMap((slot) => [slot.address, slot.name]),
    ],
    "cluster-cidr": cluster.podsCidr,
    "service-cidr": cluster.servicesCidr,
    "cluster-dns": cluster.dns,
    "write-kubeconfig-mode": "0600",
    // Two default classes would leave it to chance which one a claim gets.
    disable: [...new Set([...lacks, ...(storage === undefined ? [] : ["local-storage"])])].sort(),
  };
  return merged(merged(servers, patientSettings(accelerator)), cluster.settings.servers);
}

/** Where agents find the API: at an address that outlives a server, or at the only server's. */
function apiUrl({ endpoint, serverSlots }: K3sCluster): string {
  return `https://${endpoint ?? serverSlots[0]?.address}:6443`;
}

/** Lists are joined; of one value, the later one counts. */
function merged(first: K3sSettings, second: K3sSettings): K3sSettings {
  const both = Object.entries(second).map(([key, value]) => {
    const before = first[key];
    return [key, isList(before) && isList(value) ? [...new Set([...before, ...value])] : value];
  });
  return { ...first, ...Object.fromEntries(both) };
}

function isList(value: K3sSettings[string] | undefined): value is readonly string[] {
  return Array.isArray(value);
}
