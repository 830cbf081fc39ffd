/** A program's output as a block of Markdown, from which nothing in it can break out; cut at its beginning. */
export function fenced(text: string, most: number): string {
  const lines = text.trimEnd();
  const shown = lines.length <= most ? lines : `(the beginning is left out)\n${lines.slice(lines.length - most)}`;
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}\n`;
}

/** Short words in a line of Markdown, as code, whatever they are. */
export function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}
