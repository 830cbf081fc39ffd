import * as z from "zod";
import { variables } from "../../providers/steps/environment.ts";
import { naturalOrder } from "../../site/natural-order.ts";
import { effectOf } from "./effects.ts";
import type { Plan } from "./model.ts";
import type { Belongings } from "./owner.ts";

/**
 * What `up` does one after the other, and what is left for later. Within a stage, what does not depend on each other goes
 * on at the same time. Stages in which nothing happens are left out.
 */
export function orderOf(machines: readonly Belongings[]): Plan["order"] {
  const real = machines.filter(({ owner }) => owner.kind !== "site" && owner.kind !== "cluster");
  const stays = real.filter((machine) => !isRemoved(machine));
  const leaving = real.filter(isRemoved);
  const stages = [
    // All VMs wait for the roster, and the roster for those that leave it: what they had is free for others.
    { stage: "removed", machines: namesOf(leaving, isVm) },
    // A worker is drained before anything of its controller goes: nobody else could say when its jobs have ended.
    { stage: "drained", machines: namesOf(stays, isDrained) },
    { stage: "taken down, to be made again", machines: namesOf(stays, isTakenDown) },
    {
      stage: "made or changed",
      machines: namesOf(stays, ({ changes }) => changes.some(isMade) && !changes.some(isTurn)),
    },
    { stage: "joined to its k3s cluster or changed in it, one after the other", machines: inTurn(stays) },
    { stage: "removed", machines: namesOf(leaving, (machine) => !isVm(machine)) },
    { stage: "left to the next reboot, not done by `up`", machines: namesOf(stays, waitsForReboot) },
  ];
  return stages.filter(({ machines }) => machines.length > 0);
}

function namesOf(machines: readonly Belongings[], test: (machine: Belongings) => boolean): string[] {
  const names = machines.filter(test).map(({ owner }) => owner.name);
  return [...new Set(names)].sort(naturalOrder);
}

function isVm({ owner }: Belongings): boolean {
  return owner.kind === "vm";
}

/** Whether a VM is taken away and comes again. */
function isTakenDown({ owner, changes }: Belongings): boolean {
  const domains = changes.filter(({ type }) => type.endsWith(":Domain"));
  return owner.kind === "vm" && domains.some(({ kind }) => kind === "replace");
}

function isDrained({ owner, changes }: Belongings): boolean {
  return changes.some((change) => effectOf(change, owner) === "drains");
}

function isMade({ kind }: Belongings["changes"][number]): boolean {
  return kind === "create" || kind === "update" || kind === "replace";
}

/** Whether it makes a VM a node of k3s, or another one: nodes of a cluster take turns in that. */
function isTurn(change: Belongings["changes"][number]): boolean {
  return change.type.endsWith(":Command") && change.name.endsWith("/k3s") && isMade(change);
}

/** The servers of each cluster, then its agents. */
function inTurn(machines: readonly Belongings[]): string[] {
  const turns = machines.flatMap(({ owner, changes }) => {
    const step = changes.find(isTurn)?.new;
    return step === undefined ? [] : [{ name: owner.name, ...membershipIn(step.inputs.environment) }];
  });
  return turns
    .sort(
      (a, b) =>
        naturalOrder(a.cluster, b.cluster) ||
        Number(a.role === "agent") - Number(b.role === "agent") ||
        naturalOrder(a.name, b.name),
    )
    .map(({ name }) => name);
}

const membership = z.object({ cluster: z.string(), role: z.enum(["server", "agent"]) });

function membershipIn(environment: unknown): z.output<typeof membership> {
  const variable =
    z.object({ [variables.k3sMembership]: z.string() }).parse(environment)[variables.k3sMembership] ?? "";
  return membership.parse(JSON.parse(variable));
}

function isRemoved({ changes }: Belongings): boolean {
  return changes.every(({ kind }) => kind === "delete");
}

function waitsForReboot({ owner, changes }: Belongings): boolean {
  return changes.some((change) => effectOf(change, owner) === "reboot");
}
