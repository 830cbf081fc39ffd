import * as z from "zod";
import type { SshTarget } from "../../../providers/transport/ssh.ts";
import { naturalOrder } from "../../../site/natural-order.ts";
import { changesOf } from "../changes.ts";
import type { Preview } from "../events.ts";
import type { Machine, Plan } from "../model.ts";

/** A cluster some of whose nodes are to stop, as it is now. */
export interface AskedCluster {
  readonly name: string;
  readonly type: "slurm" | "k3s";
  /** Who can say what runs on them: the controller, or the servers. */
  readonly leaders: readonly SshTarget[];
  readonly nodes: readonly string[];
}

/**
 * The clusters whose nodes a plan stops. How they are reached stands in the state, in the roster of the site's VMs: the
 * site file may have another address for them by now, or have them no more.
 */
export function clustersAtStake(plan: Plan, preview: Preview): AskedCluster[] {
  const there = changesOf(preview.steps).find(({ type }) => type.endsWith(":Roster"))?.old?.inputs;
  if (there === undefined) return [];
  const { machines } = roster.parse(there);
  const stopping = plan.hosts
    .flatMap((host) => host.machines.filter(stops).map(({ name }) => name))
    .sort(naturalOrder)
    .flatMap((name) => (machines[name] === undefined ? [] : [{ node: name, ...machines[name] }]));
  return [...Map.groupBy(stopping, ({ cluster }) => cluster)].flatMap(([name, all]) => {
    // A Slurm controller does not leave, and runs no jobs.
    const leaving = all.flatMap(({ node, type, leave }) => (leave === undefined ? [] : [{ node, type, ...leave }]));
    const [first] = leaving;
    if (first === undefined) return [];
    return [{ name, type: first.type, leaders: leadersIn(first.show), nodes: leaving.map(({ node }) => node) }];
  });
}

const stopsIt = ["deletes-data", "replaces-disk", "drains", "restarts"];

function stops({ kind, action, effects }: Machine): boolean {
  return kind === "vm" && (action === "removed" || effects.some((effect) => stopsIt.includes(effect)));
}

/** Of what providers/roster/inputs.ts has. */
const show = z.object({ controller: z.string().optional(), k3sMembership: z.string().optional() });
const roster = z.object({
  machines: z.record(
    z.string(),
    z.object({ type: z.enum(["slurm", "k3s"]), cluster: z.string(), leave: z.object({ show }).optional() }),
  ),
});

const target = z.object({ name: z.string(), address: z.string(), user: z.string(), hostKey: z.string() });
const membership = z.object({ servers: z.array(target) });

function leadersIn({ controller, k3sMembership }: z.infer<typeof show>): SshTarget[] {
  if (k3sMembership !== undefined) return membership.parse(JSON.parse(k3sMembership)).servers;
  return controller === undefined ? [] : [target.parse(JSON.parse(controller))];
}
