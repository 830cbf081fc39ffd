import { LockedError, lockHolder, withLock } from "./lock.ts";
import { until } from "./until.ts";

/**
 * Runs `fn` while holding the lock file; a lock that another running process holds is waited for.
 * @param onWait told once per holder who that is
 * @throws the signal's reason when it is aborted while waiting
 */
export async function inTurn<T>(
  file: string,
  what: string,
  { onWait, signal }: { onWait: (who: string) => void; signal: AbortSignal },
  fn: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await withLock(file, what, fn);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      const { pid, since, id } = error.holder;
      onWait(`process ${pid}, since ${since}`);
      const isOver = async () => (await lockHolder(file))?.id !== id;
      try {
        await until(`the turn of ${what}`, isOver, { deadline: Number.POSITIVE_INFINITY, every: 250, signal });
      } catch (stopped) {
        signal.throwIfAborted();
        throw stopped;
      }
    }
  }
}
