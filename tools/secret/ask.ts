import { stderr, stdin } from "node:process";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";

/** A secret from standard input, without white space around it; on a terminal it is asked for and not shown. */
export async function askSecret(question: string): Promise<string> {
  if (!stdin.isTTY) return (await text(stdin)).trim();
  stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: stdin, output: nowhere, terminal: true });
  const interruption = new AbortController();
  terminal.once("SIGINT", () => interruption.abort());
  try {
    return (await terminal.question("", { signal: interruption.signal })).trim();
  } finally {
    terminal.close();
    stderr.write("\n");
  }
}
