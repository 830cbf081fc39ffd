import { kubeconfigFor } from "../../formats/kubeconfig.ts";
import { findServer, whySilent } from "../../providers/steps/k3s-look.ts";
import type { SshTarget } from "../../providers/transport/ssh.ts";
import type { K3sCluster, Site } from "../../site/model.ts";
import { list, show } from "../../site/problem.ts";

export interface KubeconfigSource {
  readonly site: string;
  readonly cluster: string;
  readonly servers: readonly SshTarget[];
  readonly deployKey: string;
  /** The address that survives a lost server; missing where the only server's is used. */
  readonly endpoint?: string;
}

/** How long servers are waited for, in seconds. */
const patience = 20;

/** The k3s cluster of that name. @throws Error that says which there are. */
export function k3sNamed({ name, clusters }: Pick<Site, "name" | "clusters">, wanted: string): K3sCluster {
  const found = clusters.find((cluster) => cluster.name === wanted);
  if (found?.type === "k3s") return found;
  const k3s = clusters.filter(({ type }) => type === "k3s").map((cluster) => cluster.name);
  const known = k3s.length === 0 ? "it has none" : `it has ${list(k3s, 20)}`;
  throw new Error(
    found === undefined
      ? `The site ${name} has no cluster ${show(wanted)}. Of k3s clusters, ${known}.`
      : `${wanted} is a Slurm cluster, and only k3s clusters have a kubeconfig. Of those, ${known}.`,
  );
}

/**
 * The administrator's kubeconfig of a cluster, as a server of it has it now: its certificate is renewed there.
 * @throws Error when no server answers, with what each said; HostKeyMismatch.
 */
export async function fetchKubeconfig(source: KubeconfigSource): Promise<string> {
  const { site, cluster, servers, deployKey, endpoint } = source;
  const found = await findServer(servers, deployKey, patience);
  if (!("nodes" in found))
    throw new Error(`No server of ${cluster} answers, so there is no kubeconfig to be had:\n${whySilent(found)}`);
  try {
    const { code, stdout, stderr } = await found.connection.run("cat /etc/rancher/k3s/k3s.yaml");
    if (code !== 0) throw new Error(`${found.target.name} has no kubeconfig: ${stderr.trim()}`);
    return kubeconfigFor(stdout, {
      name: `${site}-${cluster}`,
      server: `https://${endpoint ?? found.target.address}:6443`,
    });
  } finally {
    found.connection.close();
  }
}
