import * as z from "zod";

/** What runs on the nodes that a plan stops, as a part of the plan (../model.ts). */

const job = z.strictObject({
  id: z.string().meta({ description: "As squeue prints it, such as 12 or 12_3" }),
  name: z.string(),
  user: z.string(),
  state: z.string().meta({ description: "Slurm's word, such as RUNNING" }),
  leftSeconds: z.int().min(0).nullable().meta({ description: "Until its time limit; null where it has none" }),
});

const pod = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  phase: z.string(),
  bare: z.boolean().meta({ description: "Nothing would start it again elsewhere, so the drain waits for it to end" }),
  heldBy: z.array(z.string()).meta({ description: "Disruption budgets (PodDisruptionBudget) that let no pod go now" }),
});

const found = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("jobs"), jobs: z.array(job) }),
  z.strictObject({
    kind: z.literal("pods"),
    pods: z.array(pod).meta({ description: "Without those that belong to the node, as of a DaemonSet" }),
  }),
  z.strictObject({ kind: z.literal("unknown"), why: z.string() }),
]);

export const stake = z
  .strictObject({
    askedAt: z.iso.datetime(),
    nodes: z.array(z.strictObject({ name: z.string(), cluster: z.string(), found })),
  })
  .meta({ description: "What runs on the nodes that are to stop; missing where clusters were not asked" });

export type Stake = z.output<typeof stake>;
export type Found = z.output<typeof found>;
export type Job = z.output<typeof job>;
export type Pod = z.output<typeof pod>;
