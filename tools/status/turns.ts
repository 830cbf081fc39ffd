/** How many machines are asked at once. */
const atOnce = 32;

/** Does named work when it is its turn. */
export type TakeTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Lets so much work go on at once, and tells which is not done yet, whenever that changes. */
export function takeTurns(onProgress: (waiting: readonly string[], all: number) => void): TakeTurn {
  const open: string[] = [];
  const queue: (() => void)[] = [];
  let all = 0;
  let running = 0;
  return async (name, work) => {
    all++;
    open.push(name);
    if (running >= atOnce) await new Promise<void>((resolve) => queue.push(resolve));
    running++;
    try {
      return await work();
    } finally {
      running--;
      open.splice(open.indexOf(name), 1);
      onProgress(open, all);
      queue.shift()?.();
    }
  };
}
