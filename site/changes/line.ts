/**
 * A line of a summary: what the thing is, then what is known of it, `physics role=worker host=pi1`. No value has a space.
 */
export function printLine(what: string, known: Readonly<Record<string, string | false | undefined>>): string {
  const pairs = Object.entries(known).flatMap(([key, value]) =>
    value === undefined || value === false ? [] : [`${key}=${value}`],
  );
  return [what, ...pairs].join(" ");
}

export interface Line {
  readonly what: string;
  readonly known: ReadonlyMap<string, string>;
}

/** A line read back. What a newer version of this project has added to it stays unread. */
export function parseLine(line: string): Line {
  const [what = "", ...pairs] = line.split(" ");
  const known = pairs.map((pair): [string, string] => {
    const sign = pair.indexOf("=");
    return [pair.slice(0, sign), pair.slice(sign + 1)];
  });
  return { what, known: new Map(known) };
}
