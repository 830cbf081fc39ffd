import * as z from "zod";
import { type Effect, effects } from "./effects.ts";
import { stake } from "./stake/model.ts";

/** What a plan says: the schema of `plan --format json` and of saved plans, from which docs/plan.schema.json is made. */

const effect = z.enum(Object.keys(effects) as [Effect, ...Effect[]]);

const file = z.strictObject({
  file: z.string().meta({ description: "Path or name of what is rendered" }),
  change: z.enum(["new", "removed", "changed"]),
  diff: z
    .string()
    .meta({ description: "Lines with -, + or a space before; empty for files of new or removed machines" }),
});

const setting = z.strictObject({
  setting: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});

const machine = z.strictObject({
  name: z.string(),
  kind: z.enum(["board", "vm", "cluster", "storage", "site"]),
  action: z.enum(["new", "removed", "replaced", "moved", "changed"]),
  from: z.string().optional().meta({ description: "The host that a VM leaves" }),
  effects: z.array(effect).meta({ description: "From the worst on; empty for what is new" }),
  files: z.array(file),
  settings: z.array(setting),
  secrets: z.array(z.string()).meta({ description: "Secrets that change; their values are never shown" }),
  steps: z
    .array(z.strictObject({ op: z.string(), resource: z.string(), urn: z.string() }))
    .meta({ description: "The engine's own steps" }),
});

const host = z.strictObject({
  host: z.string().nullable().meta({ description: "null: what is of no host, such as a cluster or a storage" }),
  machines: z.array(machine).meta({ description: "The board first, then its VMs" }),
});

const refusal = z.strictObject({
  rule: z.string(),
  where: z.string().meta({ description: "File, line and column, or the resource" }),
  message: z.string(),
  hint: z.string().meta({ description: "What to do instead; may be empty" }),
});

export const plan = z
  .strictObject({
    schemaVersion: z.literal(1),
    stack: z.string(),
    verdict: z.enum(["nothing", "changes", "refused"]),
    counts: z.strictObject({
      create: z.int().min(0),
      update: z.int().min(0),
      replace: z.int().min(0),
      delete: z.int().min(0),
      same: z.int().min(0),
    }),
    refusals: z.array(refusal),
    warnings: z.array(refusal),
    order: z
      .array(z.strictObject({ stage: z.string(), machines: z.array(z.string()) }))
      .meta({ description: "What happens one after the other" }),
    hosts: z.array(host).meta({ description: "Those with changes" }),
    atStake: stake.optional(),
  })
  .meta({ description: "What `up` would do to each machine of a site" });

export type Plan = z.output<typeof plan>;
export type Host = z.output<typeof host>;
export type Machine = z.output<typeof machine>;
export type MachineFile = z.output<typeof file>;
export type Setting = z.output<typeof setting>;
export type Refusal = z.output<typeof refusal>;

/** The JSON Schema of a plan. */
export function planSchema(): object {
  return z.toJSONSchema(plan, { io: "output" });
}
