import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** A program that runs as long as this process wants it to, and not longer. */
export interface Tethered {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Ends it, if it still runs, and waits until it is gone, with its folder. */
  stop(): Promise<void>;
}

/**
 * Starts a program that ends with this process at the latest, also when that is killed outright; a folder of its own
 * goes with it. Its input is empty.
 * @param inside turns the command into one that runs on another machine
 */
export function startTethered(
  command: readonly [string, ...string[]],
  folder: string,
  inside: (command: readonly string[]) => readonly string[] = (here) => here,
): Tethered {
  const [program = "bash", ...args] = inside(["bash", "-c", untilInputEnds, "bash", folder, ...command]);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(child, "close");
  // It may have ended by itself before anybody asks it to.
  child.stdin.on("error", () => {});
  return {
    child,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** The program would outlive a process that is killed. So a shell waits for the end of either: it, or its own input. */
const untilInputEnds = `
folder=$1
shift
"$@" </dev/null &
cat <&0 >/dev/null 2>&1 &
wait -n
kill %1 %2 2>/dev/null
wait
rm -rf "$folder"`;
