/** A part of a text that stays whole when it is cut: a table, a fence with lines in it. */
export interface Block {
  readonly head: string;
  /** Each with its end of line; as many as there is room for. */
  readonly lines: readonly string[];
  readonly foot: string;
}

/**
 * The blocks one after the other, in at most `limit` characters. Where the room ends, lines at the end of a block are
 * left out, then whole blocks, and `notice` says so.
 */
export function fit(blocks: readonly Block[], limit: number | undefined, notice: string): string {
  const all = blocks.map(print).join("");
  if (limit === undefined || all.length <= limit) return all;
  let text = "";
  for (const block of blocks) {
    const room = limit - notice.length - text.length;
    const printed = print(block);
    if (printed.length <= room) {
      text += printed;
      continue;
    }
    return text + begun(block, room) + notice;
  }
  return text + notice;
}

function print({ head, lines, foot }: Block): string {
  return head + lines.join("") + foot;
}

/** As much of a block as there is room for: nothing where not even one of its lines has it. */
function begun({ head, lines, foot }: Block, room: number): string {
  let left = room - head.length - foot.length;
  let count = 0;
  for (const line of lines) {
    if (line.length > left) break;
    left -= line.length;
    count++;
  }
  return count === 0 ? "" : head + lines.slice(0, count).join("") + foot;
}
