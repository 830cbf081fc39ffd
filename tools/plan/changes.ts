import { parseUrn } from "../stack/urn.ts";
import type { ResourceState, Step } from "./events.ts";

/** What becomes of one resource, from all steps that are about it. */
export interface Change {
  readonly urn: string;
  /** `libvirt:index/domain:Domain`, `pulumi-nodejs:dynamic/bramble:TftpTree`. */
  readonly type: string;
  readonly name: string;
  readonly kind: "create" | "update" | "replace" | "delete" | "same";
  readonly old?: ResourceState;
  readonly new?: ResourceState;
  readonly differs: readonly string[];
}

/** The resources of a preview, in the order of their first steps; those that stay as they are too. */
export function changesOf(steps: readonly Step[]): Change[] {
  const byUrn = new Map<string, Step[]>();
  for (const step of steps) {
    const list = byUrn.get(step.urn) ?? [];
    list.push(step);
    byUrn.set(step.urn, list);
  }
  return [...byUrn.values()].flatMap(changeOf);
}

const replacing = ["replace", "create-replacement", "delete-replaced"];

function changeOf(steps: readonly Step[]): Change[] {
  const [first] = steps;
  if (first === undefined) return [];
  const { urn, type } = first;
  const old = steps.find((step) => step.old !== undefined)?.old;
  const next = steps.findLast((step) => step.new !== undefined)?.new;
  return [
    {
      ...{ urn, type, name: parseUrn(urn).name, kind: kindOf(steps.map(({ op }) => op)) },
      differs: [...new Set(steps.flatMap(({ differs }) => differs))],
      ...(old && { old }),
      ...(next && { new: next }),
    },
  ];
}

function kindOf(ops: readonly string[]): Change["kind"] {
  if (ops.some((op) => replacing.includes(op))) return "replace";
  if (ops.includes("create") && ops.includes("delete")) return "replace";
  for (const kind of ["create", "update", "delete"] as const) if (ops.includes(kind)) return kind;
  return "same";
}
