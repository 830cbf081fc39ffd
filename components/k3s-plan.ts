import { type ArtifactLock, updateCommand } from "../formats/artifact-lock.ts";
import { k3sArtifact, parseK3sArtifact } from "../formats/k3s-bundle.ts";
import type { Arch, K3sCluster, Site } from "../site/model.ts";
import { type Finding, list } from "../site/problem.ts";

/** What k3s clusters need of the lock and it does not have. Reads nothing but its arguments. */
export function unpinnedK3s(site: Site, lock: ArtifactLock): Finding[] {
  return site.clusters.flatMap((cluster) =>
    cluster.type === "k3s" ? archesOf(site, cluster).flatMap((arch) => unpinned(cluster, arch, lock)) : [],
  );
}

/** The processors of the hosts that its VMs are on, each once. */
function archesOf({ vms, hosts }: Site, { name }: K3sCluster): readonly Arch[] {
  const places = new Set(vms.filter(({ cluster }) => cluster === name).map(({ host }) => host));
  return [...new Set(hosts.filter((host) => places.has(host.name)).map(({ arch }) => arch))].sort();
}

function unpinned({ name, version }: K3sCluster, arch: Arch, lock: ArtifactLock): Finding[] {
  const artifact = k3sArtifact(version, arch);
  if (Object.hasOwn(lock.artifacts, artifact)) return [];
  const others = Object.keys(lock.artifacts)
    .map(parseK3sArtifact)
    .flatMap((pinned) => (pinned?.arch === arch ? [pinned.version] : []));
  const there = others.length === 0 ? "" : `, or write one that is pinned: ${list(others.sort())}`;
  return [
    {
      rule: "version-not-pinned",
      path: ["clusters", name, "version"],
      message: `clusters.${name}: k3s ${version} for ${arch} is not among what is pinned`,
      hint: `run \`${updateCommand(artifact)}\`${there}`,
    },
  ];
}
