import { stderr } from "node:process";
import { sshKeyPair } from "../../../formats/ssh-key.ts";
import { siteKeys } from "../../../site/keys.ts";
import { siteOf, siteSecret } from "../../stack/stacks.ts";
import { progressOn } from "../../status/progress.ts";
import type { Preview } from "../events.ts";
import type { Plan } from "../model.ts";
import { askStake } from "./ask.ts";
import type { Stake } from "./model.ts";
import { clustersAtStake } from "./nodes.ts";

/** What runs on the nodes that a plan for a stack stops, as their clusters say now. */
export async function stakeOf(stack: string, plan: Plan, preview: Preview, signal: AbortSignal): Promise<Stake> {
  const clusters = clustersAtStake(plan, preview);
  const deployKeys = clusters.length === 0 ? [] : await deployKeysOf(stack);
  const progress = progressOn(stderr);
  try {
    return await askStake(clusters, { deployKeys, signal, onProgress: progress.show });
  } finally {
    progress.clear();
  }
}

/** The key that the site file says, and the one before: this plan may be the one that changes it. */
async function deployKeysOf(stack: string): Promise<string[]> {
  const { name, epochs } = await siteOf(stack);
  const secret = Buffer.from(await siteSecret(stack), "hex");
  return [epochs.deployKey, epochs.deployKey - 1]
    .filter((epoch) => epoch > 0)
    .map((deployKey) => sshKeyPair(siteKeys(secret, name, { ...epochs, deployKey }).deployKey()).privateKey);
}
