import { randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";

/** What a script printed, on both outputs, and its exit code. */
export interface Said {
  readonly code: number;
  readonly text: string;
}

/** A shell that stays, here or on another machine: a script costs no start and no log-in. */
export interface LastingShell {
  /**
   * Runs a script after all that were given before, with nothing on its standard input. Not for secrets, and not for
   * scripts that end the shell.
   */
  run(script: string): Promise<Said>;
}

/**
 * Talks to an `sh` that reads its script from `input`. `onIdle` is told whether anything is waited for.
 */
export function lastingShell(
  input: Writable,
  output: Readable,
  onIdle: (idle: boolean) => void = () => undefined,
): LastingShell {
  // After each script the shell prints a line that no script prints.
  const mark = randomUUID();
  const end = new RegExp(`\\n${mark} (\\d+)\\n`);
  const waiting: { resolve: (said: Said) => void; reject: (error: Error) => void }[] = [];
  let text = "";
  let ended: Error | undefined;
  output.setEncoding("utf8");
  output.on("data", (data: string) => {
    text += data;
    for (let match = end.exec(text); match !== null; match = end.exec(text)) {
      waiting.shift()?.resolve({ code: Number(match[1]), text: text.slice(0, match.index) });
      text = text.slice(match.index + match[0].length);
      if (waiting.length === 0) onIdle(true);
    }
  });
  input.on("error", () => undefined); // it comes with the end of the output, which tells those who wait
  output.on("close", () => {
    ended = new Error("the shell ended");
    for (const { reject } of waiting.splice(0)) reject(ended);
  });
  return {
    run: (script) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        if (waiting.length === 0) onIdle(false);
        waiting.push({ resolve, reject });
        input.write(`{ ${script}\n} </dev/null 2>&1; printf '\\n${mark} %s\\n' $?\n`);
      }),
  };
}
