import { unpinnedK3s } from "../../components/k3s-plan.ts";
import type { Site } from "../../site/model.ts";
import type { Finding } from "../../site/problem.ts";
import { readLock } from "../../stacks/read-lock.ts";
import { stacksFolder } from "../stack/chosen.ts";

/** What the k3s clusters of a site need that is not pinned. */
export async function k3sProblems(site: Site): Promise<Finding[]> {
  return unpinnedK3s(site, await readLock(stacksFolder));
}
