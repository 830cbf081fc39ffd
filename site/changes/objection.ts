import type { AllowableRule, Limits } from "../model.ts";
import type { Outline, VmOutline } from "./outline.ts";

/** Two sites, or one before and after a change, and the most that one change may do. */
export interface Change {
  readonly before: Outline;
  readonly after: Outline;
  readonly limits: Limits;
}

/** An older bootloader is allowed at the board, not by `allow`. */
export type ChangeRule = AllowableRule | "older-bootloader";

/** What a rule has against a change. */
export interface Objection {
  readonly rule: ChangeRule;
  /** What would happen, with names and numbers. */
  readonly message: string;
  /** What to do instead. */
  readonly instead: string;
  /** How to say that it is meant, where that is not by `allow`. */
  readonly meant?: string;
  /** Each thing that it is about and what becomes of it, so that an allowance is for this and nothing else. */
  readonly about: readonly string[];
}

/** What becomes of a VM: it stays as it is, is made again (there or elsewhere), or goes. */
export type Fate = "stays" | "made-again" | "goes";

export function fateOf(vm: VmOutline, { before, after }: Change): Fate {
  const next = after.vms.get(vm.name);
  const isSameCluster = before.clusters.get(vm.cluster)?.type === after.clusters.get(vm.cluster)?.type;
  if (next === undefined || next.cluster !== vm.cluster || !isSameCluster) return "goes";
  return next.host === vm.host && next.make === vm.make ? "stays" : "made-again";
}

/** The VMs of a cluster, with what becomes of them. */
export function membersOf(cluster: string, change: Change): { readonly vm: VmOutline; readonly fate: Fate }[] {
  const members = [...change.before.vms.values()].filter((vm) => vm.cluster === cluster);
  return members.map((vm) => ({ vm, fate: fateOf(vm, change) }));
}

/** `1 VM`, `2 VMs`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
