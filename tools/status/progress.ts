import type { Writable } from "node:stream";

/** Shows on a terminal who is still asked; nothing elsewhere. */
export interface Progress {
  show(waiting: readonly string[], all: number): void;
  /** Takes the line away. */
  clear(): void;
}

/** Names that have room in the line. */
const mostNames = 4;
const eraseLine = "\r\u001b[K";

export function progressOn(terminal: Writable & { readonly isTTY?: boolean }): Progress {
  if (terminal.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  return {
    show: (waiting, all) => terminal.write(`${eraseLine}${progressLine(waiting, all)}`),
    clear: () => terminal.write(eraseLine),
  };
}

/** `12 of 15 have answered; waiting for pi3, pi4 and 1 more`. */
export function progressLine(waiting: readonly string[], all: number): string {
  const names = waiting.slice(0, mostNames).join(", ");
  const more = waiting.length > mostNames ? ` and ${waiting.length - mostNames} more` : "";
  const still = waiting.length === 0 ? "" : `; waiting for ${names}${more}`;
  return `${all - waiting.length} of ${all} have answered${still}`;
}
