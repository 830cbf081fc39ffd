import { boardAccess } from "../../components/board-image.ts";
import { planSite } from "../../components/boot-plan.ts";
import { imageName } from "../../images/name.ts";
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
  const images = new Map(site.hosts.map(({ name, arch }) => [name, imageName(arch === "x86_64" ? "amd64" : "arm64")]));
  return ({ host }) => images.get(host) ?? "";
}
