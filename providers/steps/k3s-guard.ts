import type { K3sNode } from "./k3s-spec.ts";

/** What is on a node before anything of it is changed. Hashes are SHA-256 in hex, empty where there is no file. */
export interface NodeState {
  /** The release that is in use; empty on a new node. */
  readonly version: string;
  /** Whether it has been part of a cluster. */
  readonly started: boolean;
  readonly etcd: boolean;
  readonly ca: string;
  readonly token: string;
  readonly agentToken: string;
  /** The lines of config.yaml that can't be changed in a cluster that lives. */
  readonly fixed: string;
}

/** What the node is to have. */
export interface NodeWanted extends Pick<NodeState, "ca" | "token" | "agentToken"> {
  readonly spec: Pick<K3sNode, "cluster" | "version">;
  readonly config: string;
}

/** Keys of config.yaml that a cluster has from its birth to its end. */
const fixedKeys = /^(?:cluster-cidr|service-cidr|cluster-dns|cluster-domain):/;

/** Whether a node runs another release. A VM that was made anew comes with its data disk, and runs none yet. */
export function isUpgrade({ version, started }: Pick<NodeState, "version" | "started">, wanted: string): boolean {
  return started && version !== "" && version !== wanted;
}

/** Why a change must not be made to a node that is part of a cluster; undefined where it may. */
export function refusal(name: string, state: NodeState, wanted: NodeWanted): string | undefined {
  const { cluster, version } = wanted.spec;
  if (isUpgrade(state, version)) {
    const way = upgradeProblem(state.version, version);
    if (way !== undefined) return `${name} runs k3s ${state.version}: ${way}. Nothing was changed.`;
  }
  if (!state.started) return undefined;
  if (state.ca !== "" && wanted.ca !== "" && state.ca !== wanted.ca)
    return (
      `${name} belongs to a cluster with other authorities than ${cluster} has by the site's secret, and every node and ` +
      "kubeconfig trusts those. Give the site its old secret and epoch again (keys.epoch.k3sCa), or make a new cluster " +
      "under another name and remove this one. Nothing was changed."
    );
  const token = (["token", "agentToken"] as const).find(
    (kind) => state[kind] !== "" && wanted[kind] !== "" && state[kind] !== wanted[kind],
  );
  if (token !== undefined)
    return (
      `${name} joined its cluster with another token than ${cluster} has now, by which the authorities' keys in the ` +
      "cluster's state are encrypted. Give the site its old secret and epoch again (keys.epoch.k3sToken), or make a new " +
      "cluster under another name and remove this one. Nothing was changed."
    );
  const fixed = fixedLines(wanted.config);
  if (state.fixed !== "" && sorted(state.fixed) !== sorted(fixed))
    return (
      `a cluster keeps the networks of its pods and services and its domain as long as it lives.\n${name} has\n` +
      `${indented(sorted(state.fixed))}\nand the site file says\n${indented(sorted(fixed))}\n` +
      "Take the change back, or make a new cluster under another name and remove this one. Nothing was changed."
    );
  return undefined;
}

/**
 * Why k3s can't go from one release to another; undefined where it can. Kubernetes supports an upgrade by one minor
 * version, and none that goes back (https://kubernetes.io/releases/version-skew-policy/).
 */
export function upgradeProblem(from: string, to: string): string | undefined {
  const old = numbersOf(from);
  const wanted = numbersOf(to);
  if (old === undefined || wanted === undefined) return `it can't be told whether ${to} is later than ${from}`;
  const index = old.findIndex((number, place) => number !== wanted[place]);
  if (index < 0) return undefined;
  if ((wanted[index] ?? 0) < (old[index] ?? 0))
    return `${to} is older, and k3s can't go back: the cluster's state may be in a newer form. Restore a snapshot for that (docs/k3s.md)`;
  const [major, minor] = old;
  if (wanted[0] !== major || (wanted[1] ?? 0) > (minor ?? 0) + 1)
    return `${to} leaves out a minor version. Upgrade to a release of v${major}.${(minor ?? 0) + 1} first`;
  return undefined;
}

/** Major, minor, patch, and the number of k3s's own build. */
function numbersOf(version: string): readonly number[] | undefined {
  const found = /^v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)$/.exec(version);
  return found?.slice(1).map(Number);
}

function fixedLines(config: string): string {
  return config
    .split("\n")
    .filter((line) => fixedKeys.test(line))
    .join("\n");
}

function sorted(lines: string): string {
  return lines.trim().split("\n").sort().join("\n");
}

function indented(lines: string): string {
  return lines.replace(/^/gm, "  ");
}
