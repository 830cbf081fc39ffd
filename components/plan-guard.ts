import { PlanGuard } from "../providers/guard/resource.ts";
import { summarise } from "../site/changes/summary.ts";
import type { Arch, Cluster, Site } from "../site/model.ts";
import type { BootPlan } from "./boot-plan.ts";
import type { GuestImage } from "./guest-image.ts";

export interface PlanGuardArgs {
  readonly site: Site;
  readonly siteId: string;
  /** The image for guests of an architecture in a cluster of a type. */
  readonly image: (arch: Arch, type: Cluster["type"]) => GuestImage;
  /** What boards boot that do so over the network; missing where none does. */
  readonly plan?: BootPlan;
}

/**
 * The guard of a site's changes. Everything else of the site is to depend on it: the engine then hears of nothing else
 * before the change is found to be safe.
 */
export function planGuard({ site, siteId, image, plan }: PlanGuardArgs): PlanGuard {
  const bootloaders = new Map(plan?.boards.map(({ board, bootloader }) => [board.name, bootloader]));
  const summary = summarise(site, {
    siteId,
    image: ({ arch }, { type }) => image(arch, type).name,
    bootloader: (board) => {
      const planned = bootloaders.get(board);
      return planned && { version: planned.image.version, ...(planned.downgrade && { downgrade: planned.downgrade }) };
    },
  });
  return new PlanGuard(site.name, { ...summary, limits: site.limits, allow: site.allow });
}
