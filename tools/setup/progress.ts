import { availableParallelism } from "node:os";
import { Listr } from "listr2";
import { clock, type Job, roughly, secondsLeft } from "./estimate.ts";

/** One thing that is done side by side with others. */
export interface Step {
  title: string;
  usualSeconds: number;
  /** Does it. `show` tells what is being done now, and how long all of it usually takes where that has changed. */
  run: (show: (text: string, usualSeconds: number) => void) => Promise<string>;
}

const betweenLines = 20_000; // ms, in a log
const betweenFrames = 1_000; // ms, on a terminal

/**
 * Does all steps side by side and shows how far they are: a live list on a terminal, else plain lines with the time
 * since the start. A failing step does not stop the others.
 * @returns for each step what it threw, or undefined
 */
export async function showProgress(title: string, steps: readonly Step[]): Promise<unknown[]> {
  const onTerminal = process.stdout.isTTY === true;
  const begin = Date.now();
  const elapsed = () => (Date.now() - begin) / 1000;
  const jobs = steps.map((step) => ({ step, usual: step.usualSeconds, done: false, error: undefined as unknown }));
  const summary = () => `${clock(elapsed())} so far, ${timeLeft(jobs, elapsed())}`;

  const children = jobs.map((job) => ({
    title: job.step.title,
    task: async (_: unknown, task: { title: string; output: string }) => {
      const show = (text: string, usualSeconds: number) => {
        job.usual = usualSeconds;
        // The live list keeps one line per step; a log needs the step's name in each line.
        task[onTerminal ? "title" : "output"] = `${job.step.title}: ${text}`;
      };
      try {
        task.title = `${job.step.title}: ${await job.step.run(show)}`;
      } catch (error) {
        job.error = error;
        task.title = job.step.title;
        throw error;
      } finally {
        job.done = true;
      }
    },
  }));
  const list = new Listr(
    [
      {
        title,
        task: async (_, task) => {
          const tell = () => {
            const open = jobs.filter(({ done }) => !done).map(({ step }) => step.title);
            if (onTerminal) task.title = `${title}: ${summary()}`;
            else task.output = `${summary()}; at work on ${open.join(", ")}`;
          };
          const beat = setInterval(tell, onTerminal ? betweenFrames : betweenLines);
          try {
            await task.newListr(children, { concurrent: true, exitOnError: false }).run();
          } finally {
            clearInterval(beat);
            task.title = title;
          }
        },
      },
    ],
    {
      exitOnError: false,
      registerSignalListeners: false, // whoever calls ends the steps first
      renderer: onTerminal ? "default" : "verbose",
      rendererOptions: onTerminal
        ? { collapseSubtasks: false }
        : { timestamp: { condition: true, field: () => clock(elapsed()), format: () => (text) => text ?? "" } },
    },
  );
  await list.run();
  return jobs.map(({ error }) => error);
}

function timeLeft(jobs: readonly Job[], elapsed: number): string {
  const left = secondsLeft(jobs, elapsed, availableParallelism());
  return left === undefined ? "longer than usual" : `about ${roughly(left)} left`;
}
