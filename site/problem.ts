/** What is wrong with a site file, and how it is said. */

/** Where something stands in the site document: `["boards", "pi1", "memory"]`. */
export type Path = readonly (string | number)[];

/** A mistake as a rule finds it, by its path. */
export interface Finding {
  /** Kebab-case name of the rule. */
  readonly rule: string;
  readonly path: Path;
  /** Points at the key, when the name itself is wrong; at the value otherwise. */
  readonly at?: "key" | "value";
  /** What is wrong, with the value. */
  readonly message: string;
  /** What would be right; empty where the message says it. */
  readonly hint: string;
  /** The other place of a clash between two. */
  readonly other?: Path;
  /** An unknown key: the known one that was probably meant. Silences the complaint that this one is missing. */
  readonly suggests?: Path;
}

/** A mistake as the user sees it. */
export interface Problem {
  /** The site file, or the name of what overrides it. */
  readonly file: string;
  /** From 1; 0 when the place has no line (an override). */
  readonly line: number;
  /** From 1, in characters; 0 when the place has no line. */
  readonly column: number;
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}

/** A checked value, or why it is none. */
export type Parsed<T> = { readonly value: T } | Refusal;
export interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/** Problems as text for a terminal: one line each in the form editors understand, and one line with the way out. */
export function printProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ file, line, column, rule, message, hint }) => {
      const place = line === 0 ? file : `${file}:${line}:${column}`;
      return `${place}  ${rule}  ${message}\n${hint === "" ? "" : `    → ${hint}\n`}`;
    })
    .join("");
}

const longestShown = 60;

/**
 * A value for use in a message: quoted, cut at 60 characters, with everything escaped that could play tricks on a
 * terminal or a reader (control characters, direction marks, anything beyond ASCII). Private keys are not shown.
 */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  if (/PRIVATE KEY/.test(value)) return '"(a private key)"';
  const characters = Array.from(value);
  const cut = characters.length > longestShown;
  const shown = cut ? characters.slice(0, longestShown) : characters;
  return `"${shown.map((character) => (/["\\\\]/.test(character) ? `\\${character}` : escapeText(character))).join("")}${cut ? "…" : ""}"`;
}

/** Text of others inside a message: no control characters, nothing beyond ASCII. */
export function escapeText(text: string): string {
  return Array.from(text).map(escapeCharacter).join("");
}

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character >= " " && character <= "~") return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** A path as people write it: `boards.pi1.memory`, `users.alice.keys[0]`. */
export function showPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += (text === "" ? "" : ".") + (/^[A-Za-z0-9_-]{1,60}$/.test(part) ? part : show(part));
  }
  return text;
}

/** `a`, `a and b`, `a, b and c`; with more than `most` names: `a, b, c and 7 more`. */
export function list(names: readonly string[], most = 6): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  const last = shown.at(-1) ?? "none";
  return escapeText(shown.length < 2 ? last : `${shown.slice(0, -1).join(", ")} and ${last}`);
}
