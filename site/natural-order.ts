/**
 * Compares names the way people count: `n2` before `n10`. Does not depend on the machine's language, so that every
 * runner plans the same.
 */
export function naturalOrder(a: string, b: string): number {
  const left = a.match(parts) ?? [];
  const right = b.match(parts) ?? [];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const difference = isNumber(part) && isNumber(other) ? Number(part) - Number(other) : 0;
    return difference !== 0 ? difference : part < other ? -1 : 1;
  }
  return left.length - right.length;
}

const parts = /\d+|\D+/g;

function isNumber(part: string): boolean {
  return part >= "0" && part < ":";
}

/** The entries of a section by name, in natural order. */
export function inOrder<T>(entries: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(entries ?? {}).sort(([a], [b]) => naturalOrder(a, b));
}
