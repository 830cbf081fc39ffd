import type { HostName, NetworkBoard } from "../../site/model.ts";
import { type Gathered, gather } from "../status/gather.ts";
import { batchesOf, type Stakes, stakesOf } from "./batches.ts";
import type { Context } from "./context.ts";
import { type Finding, findingOf, type Step, type Underway } from "./finding.ts";
import { heldNodes } from "./nodes.ts";

/** A board that is to restart. */
export interface Restart extends Stakes, Step {
  readonly board: HostName;
}

/** All that a rollout is to do, in its order. */
export interface RolloutPlan {
  /** Boards that an earlier rollout restarted, and has not seen come up. */
  readonly awaited: readonly { readonly board: HostName; readonly note: Underway }[];
  /** Boards that are to be put back, which an earlier rollout did not get to. */
  readonly unfinished: readonly HeldBoard[];
  /** Boards that run what they should, and have nodes that an earlier rollout drained. */
  readonly drained: readonly HostName[];
  readonly batches: readonly (readonly Restart[])[];
  readonly held: readonly HeldBoard[];
  /** Boards that are left alone, and why. */
  readonly left: readonly {
    readonly board: HostName;
    readonly kind: "off" | "degraded" | "unclear";
    readonly words: string;
  }[];
  readonly current: readonly HostName[];
}

export type HeldBoard = { readonly board: HostName } & Extract<Finding, { kind: "held" }>;

export interface Wishes {
  /** The boards that are meant; missing: all. */
  readonly only?: readonly string[] | undefined;
  readonly batch?: number | undefined;
}

/** One that is slow is not to be left out of a rollout; in seconds. */
const patience = { login: 12, answer: 30 };

/** Asks a site's boards and its boot server what they run and have; and clusters, which nodes a rollout holds back. */
export async function lookAtSite(
  context: Context,
  onProgress?: Parameters<typeof gather>[2],
): Promise<readonly [Pick<Gathered, "reports" | "known">, ReadonlySet<string>]> {
  const boardsOnly = { ...context.site, vms: [], hosts: [] };
  return await Promise.all([gather(boardsOnly, context.keys, onProgress, patience), heldNodes(context)]);
}

/**
 * What a rollout is to do, by what its boards and the boot server said.
 * @param drained nodes that a rollout holds back
 * @throws Error when the boot server said nothing, or a board is meant that the site does not have
 */
export function planRollout(
  { site }: Pick<Context, "site">,
  { reports, known }: Pick<Gathered, "reports" | "known">,
  drained: ReadonlySet<string>,
  { only, batch }: Wishes,
): RolloutPlan {
  if (known === undefined || "why" in known)
    throw new Error(
      `The boot server can't be asked what it has for boards: ${known?.why ?? "there is none"}. Nothing was changed.`,
    );
  const found = meant(site.boot.boards, only).flatMap((board): { board: HostName; finding: Finding }[] => {
    const [answer, knows] = [reports.get(board.name), known.get(board.name)];
    if (answer === undefined || knows === undefined) return [];
    return [{ board: board.name, finding: findingOf(board, answer, knows, only !== undefined) }];
  });
  const restarts = found.flatMap(({ board, finding }): Restart[] =>
    finding.kind === "behind" ? [{ ...finding, ...stakesOf(site, board), board }] : [],
  );
  const held = found.flatMap(({ board, finding }): HeldBoard[] =>
    finding.kind === "held" ? [{ ...finding, board }] : [],
  );
  const quiet = found.flatMap(({ board, finding }) =>
    finding.kind === "current" || (finding.kind === "held" && finding.isUp) ? [board] : [],
  );
  return {
    awaited: found.flatMap(({ board, finding }) =>
      finding.kind === "restarted" ? [{ board, note: finding.note }] : [],
    ),
    unfinished: held.filter(({ isServed }) => !isServed),
    drained: quiet.filter((board) => site.vms.some(({ host, name }) => host === board && drained.has(name))),
    batches: batchesOf(restarts, { batch: batch ?? site.rollout.batch, limits: site.limits }),
    held: held.filter(({ isServed }) => isServed),
    left: found.flatMap(({ board, finding }) =>
      finding.kind === "off" || finding.kind === "degraded" || finding.kind === "unclear"
        ? [{ board, kind: finding.kind, words: finding.words }]
        : [],
    ),
    current: found.flatMap(({ board, finding }) => (finding.kind === "current" ? [board] : [])),
  };
}

function meant(boards: readonly NetworkBoard[], only: readonly string[] | undefined): readonly NetworkBoard[] {
  if (only === undefined) return boards;
  const unknown = only.filter((name) => !boards.some((board) => board.name === name));
  if (unknown.length > 0) {
    const all = boards.map(({ name }) => name).join(", ");
    throw new Error(`No board that boots over the network is called ${unknown.join(" or ")}. There are: ${all}.`);
  }
  return boards.filter(({ name }) => only.includes(name));
}
