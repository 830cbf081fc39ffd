/** Work of which it is known how long it usually takes on two cores, in seconds, done with nothing beside it. */
export interface Job {
  usual: number;
  done: boolean;
}

const measuredOn = 2; // cores

/**
 * Seconds until all jobs are done, `elapsed` seconds after the first began, with `cores` cores; undefined when they
 * have overrun their usual time, so that nobody knows. Compilers use all cores that they get, so side by side they take
 * as long as one after the other.
 */
export function secondsLeft(jobs: readonly Job[], elapsed: number, cores: number): number | undefined {
  if (jobs.every((job) => job.done)) return 0;
  const total = jobs.reduce((sum, { usual }) => sum + usual, 0) * (measuredOn / Math.max(1, cores));
  return elapsed < total ? total - elapsed : undefined;
}

/** A length of time as people say it: "20 s", "3 min", "1 h 5 min". Rounded; for estimates. */
export function roughly(seconds: number): string {
  if (seconds < 90) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A measured time as minutes and seconds: "0:07", "3:10". */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
