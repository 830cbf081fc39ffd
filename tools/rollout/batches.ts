import type { Limits, Site, Vm } from "../../site/model.ts";

/** What restarting a board takes away for a while. */
export interface Stakes {
  readonly board: string;
  /** The site's VMs on it. */
  readonly vms: readonly Vm[];
  /** k3s clusters of which it has a server, and most of whose servers must be there. */
  readonly quorums: readonly string[];
  /** Clusters that nobody leads while it is away. */
  readonly leaderless: readonly string[];
  /** The hosts whose VMs stall, as their disks are on it. */
  readonly stalled: readonly string[];
}

/** What is at stake with a board. */
export function stakesOf(site: Site, board: string): Stakes {
  const vms = site.vms.filter(({ host }) => host === board);
  const leads = ({ role }: Vm) => role === "controller" || role === "server";
  const led = [...new Set(vms.filter(leads).map(({ cluster }) => cluster))];
  const isQuorum = (name: string) =>
    site.clusters.some((cluster) => cluster.name === name && cluster.type === "k3s" && cluster.servers.length > 1);
  const stalled = site.storages
    .filter(({ server }) => server?.board === board)
    .flatMap(({ clients }) => clients.map(({ host }) => host));
  return {
    board,
    vms,
    quorums: led.filter(isQuorum),
    leaderless: led.filter((name) => !isQuorum(name)),
    stalled: [...new Set(stalled)],
  };
}

/** How many boards, and VMs on them, may be away at once. */
export interface Room {
  /** Boards at once; missing: one by one those that run VMs, others as many as may be. */
  readonly batch?: number | undefined;
  readonly limits: Limits;
}

/**
 * Boards in the order in which they restart, those of one batch at the same time. Those with the least at stake go first,
 * so that a version that is no good shows where it costs least. Two boards never go together that lead clusters, or have
 * servers of one k3s cluster, and a board with others' disks goes alone.
 */
export function batchesOf<Board extends Stakes>(boards: readonly Board[], room: Room): readonly (readonly Board[])[] {
  const batches: Board[][] = [];
  for (const board of inOrderOfStakes(boards)) {
    const last = batches.at(-1);
    if (last !== undefined && goesWith(board, last, room)) last.push(board);
    else batches.push([board]);
  }
  return batches;
}

function inOrderOfStakes<Board extends Stakes>(boards: readonly Board[]): readonly Board[] {
  return boards.toSorted((a, b) => weight(a) - weight(b)); // stable: else the site's order
}

function weight({ vms, quorums, leaderless, stalled }: Stakes): number {
  if (stalled.length > 0) return 4;
  if (leaderless.length > 0) return 3;
  if (quorums.length > 0) return 2;
  return vms.length > 0 ? 1 : 0;
}

function goesWith(board: Stakes, batch: readonly Stakes[], { batch: size, limits }: Room): boolean {
  const together = [...batch, board];
  const usual = together.some(({ vms }) => vms.length > 0) ? 1 : limits.boards;
  if (together.length > Math.min(size ?? usual, limits.boards)) return false;
  if (together.reduce((sum, { vms }) => sum + vms.length, 0) > limits.moves) return false;
  if (together.some(({ stalled }) => stalled.length > 0)) return false;
  if (together.filter(({ leaderless }) => leaderless.length > 0).length > 1) return false;
  return !batch.some((other) => other.quorums.some((cluster) => board.quorums.includes(cluster)));
}
