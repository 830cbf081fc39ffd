import { k3sArtifact } from "../../formats/k3s-bundle.ts";
import type { Site } from "../../site/model.ts";
import { readLock } from "../artifacts/lock-file.ts";
import { ensureK3s } from "../k3s/ensure.ts";
import { interruptible } from "../lib/interruption.ts";
import { projectRoot } from "../lib/paths.ts";
import { siteOf } from "./stacks.ts";

/**
 * Gets the releases of k3s that a stack's clusters run, where they are pinned and this machine does not have them yet;
 * the exit code, 0 if all is there. What is not pinned is refused by the site's check.
 */
export async function ensureReleases(stack: string): Promise<number> {
  const releases = releasesOf(await siteOf(stack));
  if (releases.length === 0) return 0;
  const { artifacts } = await readLock(projectRoot);
  const pinned = releases.filter(({ version, arch }) => Object.hasOwn(artifacts, k3sArtifact(version, arch)));
  return interruptible(async (signal) => {
    for (const release of pinned) await ensureK3s({ project: projectRoot, ...release, signal, say: console.log });
    return 0;
  });
}

/** The releases that the nodes of a site's k3s clusters need, each once. */
export function releasesOf({ hosts, clusters, vms }: Site) {
  const archOf = new Map(hosts.map(({ name, arch }) => [name, arch]));
  const versionOf = new Map(
    clusters.flatMap((cluster) => (cluster.type === "k3s" ? [[cluster.name, cluster.version]] : [])),
  );
  const needed = vms.flatMap((vm) => {
    const [version, arch] = [versionOf.get(vm.cluster), archOf.get(vm.host)];
    return version === undefined || arch === undefined ? [] : [{ version, arch }];
  });
  return [...new Map(needed.map((release) => [k3sArtifact(release.version, release.arch), release])).values()];
}
