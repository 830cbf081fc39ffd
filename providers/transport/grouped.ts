import { setTimeout as delay } from "node:timers/promises";

/** How long the first of a group waits for others that do the same things at the same time, in milliseconds. */
const gathering = 1;

/**
 * Makes one run of `work` serve all who wait at the same time. While one goes on, callers gather for the next; so none
 * is served by a run that had begun before its call.
 */
export function grouped<Item, Result>(
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let waiting: { item: Item; settle: (result: Promise<Result>) => void }[] = [];
  let busy = false;
  const run = async () => {
    busy = true;
    await delay(gathering);
    const group = waiting;
    waiting = [];
    const results = work(group.map(({ item }) => item));
    group.forEach(({ settle }, index) => {
      settle(results.then((all) => at(all, index)));
    });
    await results.catch(() => undefined); // each caller has it
    busy = false;
    if (waiting.length > 0) void run();
  };
  return (item) =>
    new Promise((resolve) => {
      waiting.push({ item, settle: resolve });
      if (!busy) void run();
    });
}

function at<T>(all: readonly T[], index: number): T {
  if (index >= all.length) throw new Error(`a group of work gave ${all.length} results and no number ${index}`);
  return all[index] as T;
}
