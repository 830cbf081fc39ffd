import { boardAccess } from "../../components/board-image.ts";
import { planSite } from "../../components/boot-plan.ts";
import { nodeImageName } from "../../images/name.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { Site, Vm } from "../../site/model.ts";
import { readLock } from "../../stacks/read-lock.ts";
import { stacksFolder } from "../stack/chosen.ts";
import type { Planned } from "./assemble.ts";

/** What a site's machines should run by its file and the lock, as `up` works it out. That it can't be said is an answer. */
export async function plannedOf(site: Site, keys: SiteKeys, siteId: string): Promise<Planned> {
  return { generations: await generationsOf(site, keys, siteId), imageOf: imagesOf(site) };
}

async function generationsOf(site: Site, keys: SiteKeys, siteId: string): Promise<Planned["generations"]> {
  if (site.boot === undefined) return new Map();
  try {
    const planned = planSite(site, { lock: await readLock(stacksFolder), access: boardAccess(keys), siteId });
    if (!planned.ok) return { why: planned.problems.map(({ message }) => message).join("; ") };
    return new Map((planned.plan?.boards ?? []).map(({ board, folder }) => [board.name, folder.generation]));
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

function imagesOf(site: Site): (vm: Vm) => string {
  const archOf = new Map(site.hosts.map(({ name, arch }) => [name, arch]));
  const typeOf = new Map(site.clusters.map(({ name, type }) => [name, type]));
  // The name is a hash over files, so each is made once.
  const names = new Map<string, string>();
  return ({ host, cluster }) => {
    const [arch, type] = [archOf.get(host), typeOf.get(cluster)];
    if (arch === undefined || type === undefined)
      throw new Error(`the site has no host ${host} or no cluster ${cluster}`);
    const name = names.get(`${arch} ${type}`) ?? nodeImageName(arch, type);
    names.set(`${arch} ${type}`, name);
    return name;
  };
}
