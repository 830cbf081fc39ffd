import { setTimeout as pause } from "node:timers/promises";

export interface UntilOptions {
  /** Milliseconds after which waiting is given up. */
  deadline: number;
  /** Milliseconds between two looks. */
  every?: number;
  signal?: AbortSignal;
}

/**
 * Looks again and again until the look answers something else than undefined or false, and returns that.
 * @throws Error that names what was waited for, and how long, when the deadline has passed.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { deadline, every = 50, signal }: UntilOptions,
): Promise<T> {
  const end = performance.now() + deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`waited ${Math.round(deadline / 1000)} s for ${what} in vain`);
    await pause(every, undefined, signal === undefined ? {} : { signal });
  }
}
