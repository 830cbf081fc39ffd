import { stderr } from "node:process";

/** How far a preview is, on standard error: one line that counts on a terminal, a line at the start elsewhere. */
export function sayProgress(stack: string, out: Pick<NodeJS.WriteStream, "write" | "isTTY"> = stderr) {
  let looked = 0;
  let last = 0;
  const start = `Previewing ${stack} …`;
  out.write(out.isTTY ? start : `${start}\n`);
  return {
    /** Takes note of a line of the engine's. */
    line(line: string): void {
      if (!line.includes('"resourcePreEvent"')) return;
      looked++;
      const now = Date.now();
      if (!out.isTTY || now - last < between) return;
      last = now;
      out.write(`\r${start} ${looked} resources`);
    },
    /** Leaves nothing on a terminal. */
    end(): void {
      if (out.isTTY) out.write(`\r${" ".repeat(`${start} ${looked} resources`.length)}\r`);
    },
  };
}

/** Terminals are slow; in milliseconds. */
const between = 100;
