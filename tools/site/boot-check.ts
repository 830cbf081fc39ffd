import { boardAccess } from "../../components/board-image.ts";
import { type Planned, planSite } from "../../components/boot-plan.ts";
import { siteKeys, siteSecretLength } from "../../site/keys.ts";
import type { Site } from "../../site/model.ts";
import { readLock } from "../../stacks/read-lock.ts";
import { stacksFolder } from "../stack/chosen.ts";

/** Plans what the boards of a site boot. That needs public keys and an id, and is right or wrong whatever they are. */
export async function planWithAnyKeys(site: Site): Promise<Planned> {
  const keys = siteKeys(new Uint8Array(siteSecretLength), site.name, site.epochs);
  return planSite(site, { lock: await readLock(stacksFolder), access: boardAccess(keys), siteId: "00000000" });
}
