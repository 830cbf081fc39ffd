import type { Readable } from "node:stream";

export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine that scripts can be run on; close it when done. */
export interface Connection {
  /**
   * Runs a shell script there with positional parameters ($1 …). The script travels on standard input, so nothing of
   * it shows in the machine's process list; do not put secrets into `args`.
   */
  run(script: string, args?: readonly string[]): Promise<ScriptResult>;
  close(): void;
}

/** A connection that files can be sent over. */
export interface SenderConnection extends Connection {
  /** Writes a file there that only its owner can read. @param path absolute; its folder must be there */
  send(source: Readable, path: string): Promise<void>;
}
