/**
 * A length of time as Slurm prints it, in seconds: `days-hours:minutes:seconds`, the first two left out where they are
 * nothing (squeue(1), TimeLeft). Undefined for its words for no such time: UNLIMITED, NOT_SET, INVALID.
 */
export function parseSlurmTime(text: string): number | undefined {
  const parts = /^(?:(?:(\d{1,6})-)?(\d{1,2}):)?(\d{1,2}):(\d{2})$/.exec(text);
  if (parts === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((digits) => Number(digits ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}
