import type { Machine, Plan } from "../../../tools/plan/model.ts";

/** A board whose config.txt changes. */
export function board(name: string, diff = "-arm_boost=0\n+arm_boost=1"): Machine {
  return {
    ...{ name, kind: "board", action: "changed", effects: ["reboot"] },
    files: [{ file: "config.txt", change: "changed", diff }],
    settings: [],
    secrets: [],
    steps: [{ op: "update", resource: `TftpTree ${name}`, urn: `urn:pulumi:home::bramble::x::${name}` }],
  };
}

/** A plan for boards, each of which is a host. */
export function planWith(boards: readonly Machine[]): Plan {
  return {
    schemaVersion: 1,
    stack: "home",
    verdict: "changes",
    counts: { create: 0, update: boards.length, replace: 0, delete: 0, same: 3 },
    refusals: [],
    warnings: [],
    order: [{ stage: "made or changed", machines: boards.map(({ name }) => name) }],
    hosts: boards.map((machine) => ({ host: machine.name, machines: [machine] })),
  };
}
