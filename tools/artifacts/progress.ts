import { Listr } from "listr2";
import { megabytes } from "../lib/units.ts";

/** Something that is done beside others and tells how far it is. */
export interface Job<T> {
  readonly title: string;
  readonly run: (show: Show) => Promise<T>;
}

export interface Show {
  /** What is being done now. */
  text(text: string): void;
  /** How many bytes are there, of how many where that is known. */
  bytes(done: number, total: number | undefined): void;
}

/** Downloads from one host get no faster by more. */
const atOnce = 3;
const betweenFrames = 200; // ms, on a terminal
const betweenLines = 10_000; // ms, in a log

/**
 * Does jobs, three at a time, and shows how far they are: a bar for each on a terminal, else plain lines. One that fails
 * does not stop the others.
 */
export async function sideBySide<T>(
  jobs: readonly Job<T>[],
  quiet = false,
): Promise<readonly PromiseSettledResult<T>[]> {
  const onTerminal = process.stdout.isTTY === true;
  const results = jobs.map((): PromiseSettledResult<T> => ({ status: "rejected", reason: new Error("was not begun") }));
  const tasks = jobs.map((job, index) => ({
    title: job.title,
    task: async (_: unknown, task: { title: string; output: string }) => {
      const say = (text: string) => {
        // The live list keeps one line per job; a log needs the job's name in each line.
        task[onTerminal ? "title" : "output"] = `${job.title}: ${text}`;
      };
      try {
        results[index] = { status: "fulfilled", value: await job.run({ text: say, bytes: meter(say, onTerminal) }) };
        task.title = job.title;
      } catch (reason) {
        results[index] = { status: "rejected", reason };
        task.title = job.title;
        throw new Error("failed; see below"); // whoever called says why, once
      }
    },
  }));
  const list = new Listr(tasks, {
    concurrent: atOnce,
    exitOnError: false,
    registerSignalListeners: false, // whoever calls ends the jobs first
    renderer: quiet ? "silent" : onTerminal ? "default" : "verbose",
    rendererOptions: onTerminal ? { showErrorMessage: false } : { logTitleChange: false },
  });
  await list.run();
  return results;
}

/** "[######............] 30.1 of 98.2 MB, 4.2 MB/s" */
export function describeBytes(done: number, total: number | undefined, perSecond: number): string {
  const rate = `${megabytes(perSecond)}/s`;
  if (total === undefined || total === 0) return `${megabytes(done)}, ${rate}`;
  const width = 20;
  const full = Math.min(width, Math.floor((done / total) * width));
  return `[${"#".repeat(full)}${".".repeat(width - full)}] ${megabytes(done)} of ${megabytes(total)}, ${rate}`;
}

/** Says bytes now and then. The rate is that since the beginning, so that it does not jump. */
function meter(say: (text: string) => void, onTerminal: boolean): Show["bytes"] {
  let begin: { readonly time: number; readonly bytes: number } | undefined;
  let said = performance.now();
  return (done, total) => {
    const now = performance.now();
    begin ??= { time: now, bytes: done };
    if (now - said < (onTerminal ? betweenFrames : betweenLines)) return;
    said = now;
    const seconds = (now - begin.time) / 1000;
    say(describeBytes(done, total, seconds === 0 ? 0 : (done - begin.bytes) / seconds));
  };
}
