/** A figure that the project has promised, and what it came to. */
export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "s" | "MB";
  /** The most that it should be; left out where nothing was promised. */
  readonly target?: number;
  /** One for each time it was measured; empty if it was not. */
  readonly values: readonly number[];
  /** Why it was not measured, or what is to be known of how it was. */
  readonly note?: string;
}

/** The figures as a Markdown table. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, target, values, note = "" }) => [
    name,
    target === undefined ? "" : `<= ${target} ${unit}`,
    values.length === 0 ? "not measured" : `${print(median(values))} ${unit}`,
    values.map(print).join(", "),
    note,
  ]);
  const all = [["Figure", "Target", "Median", "Each run", "Note"], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [head = [], ...body] = all;
  return `${[line(head), rule, ...body.map(line)].join("\n")}\n`;
}

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
}

function print(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}
