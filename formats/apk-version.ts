/** What may stand between a name and a version in a dependency. `~` (also `=~`): begins with that version. */
export type VersionOperator = "=" | "<" | "<=" | ">" | ">=" | "~";

/**
 * Versions of Alpine packages: `1.2.3b_rc1_p2~0a1b2c-r4`. Numbers, at most one letter, suffixes with numbers, the hash
 * of a commit, and the package's own revision (apk-package(5)).
 */
export function isApkVersion(text: string): boolean {
  return scan(text).whole;
}

/**
 * Below 0 where a is older than b, 0 where they are the same, above 0 where it is newer.
 * Of something that is no version, what can be read counts.
 */
export function compareApkVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [ours, theirs] = [scan(a).tokens, scan(b).tokens];
  for (let index = 0; ; index++) {
    const [one, other] = [ours[index] ?? end, theirs[index] ?? end];
    if (one.kind !== other.kind) return compareKinds(one, other);
    if (one.kind === Kind.End) return 0;
    const difference = compareValues(one, other);
    if (difference !== 0) return difference;
  }
}

/** Whether a version is one that `<operator><wanted>` asks for. */
export function apkVersionFits(version: string, operator: VersionOperator, wanted: string): boolean {
  if (operator === "~") return beginsWith(scan(version).tokens, scan(wanted).tokens);
  const difference = compareApkVersions(version, wanted);
  switch (operator) {
    case "=":
      return difference === 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
  }
}

/** In the order in which they may follow each other; where two versions part, the later kind is the older version. */
const Kind = {
  Invalid: -1,
  First: 0,
  Number: 1,
  Letter: 2,
  Suffix: 3,
  SuffixNumber: 4,
  Commit: 5,
  Revision: 6,
  End: 7,
} as const;
type Kind = (typeof Kind)[keyof typeof Kind];

interface Token {
  readonly kind: Kind;
  readonly text: string;
}

const end: Token = { kind: Kind.End, text: "" };
const before = ["alpha", "beta", "pre", "rc"];
const after = ["cvs", "svn", "git", "hg", "p"];

const grammar: readonly (readonly [Kind, RegExp])[] = [
  [Kind.Number, /\.(\d+)/y],
  [Kind.Letter, /([a-z])/y],
  [Kind.Suffix, /_(alpha|beta|pre|rc|cvs|svn|git|hg|p)/y],
  [Kind.SuffixNumber, /(\d+)/y],
  [Kind.Commit, /~([0-9a-f]+)/y],
  [Kind.Revision, /-r(\d+)/y],
];

const cache = new Map<string, { readonly tokens: readonly Token[]; readonly whole: boolean }>();

/** Versions repeat: an index has the same ones in a package, in its parts, and in what depends on them. */
function scan(text: string): { readonly tokens: readonly Token[]; readonly whole: boolean } {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const first = /^\d+/.exec(text)?.[0];
  const found: Token[] = first === undefined ? [] : [{ kind: Kind.First, text: first }];
  let place = first?.length ?? 0;
  for (let last = found[0]; last !== undefined; ) {
    const next = nextToken(text, place, last.kind);
    last = next?.token;
    if (next === undefined) break;
    found.push(next.token);
    place = next.end;
  }
  const whole = first !== undefined && place === text.length;
  const scanned = { tokens: found, whole };
  if (cache.size > 100_000) cache.clear();
  cache.set(text, scanned);
  return scanned;
}

function nextToken(
  text: string,
  place: number,
  last: Kind,
): { readonly token: Token; readonly end: number } | undefined {
  for (const [kind, pattern] of grammar) {
    if (!mayFollow(kind, last)) continue;
    pattern.lastIndex = place;
    const match = pattern.exec(text);
    if (match !== null) return { token: { kind, text: match[1] ?? "" }, end: pattern.lastIndex };
  }
  return undefined;
}

function mayFollow(kind: Kind, last: Kind): boolean {
  if (kind === Kind.Number) return last <= Kind.Number;
  if (kind === Kind.SuffixNumber) return last === Kind.Suffix;
  if (kind === Kind.Suffix) return last <= Kind.SuffixNumber;
  return last < kind;
}

function compareKinds(one: Token, other: Token): number {
  if (isBefore(one)) return -1;
  if (isBefore(other)) return 1;
  return other.kind - one.kind;
}

/** `_rc1` comes before the release, `_p1` after it. */
function isBefore({ kind, text }: Token): boolean {
  return kind === Kind.Suffix && before.includes(text);
}

function compareValues({ kind, text: a }: Token, { text: b }: Token): number {
  switch (kind) {
    case Kind.Number:
      // With a zero in front it counts as behind a point: 1.05 is older than 1.1. That is apk 3's rule; apk 2 took
      // 1.02 to be older than 1.010.
      return a.startsWith("0") || b.startsWith("0") ? compareTexts(a, b) : compareNumbers(a, b);
    case Kind.First:
    case Kind.SuffixNumber:
    case Kind.Revision:
      return compareNumbers(a, b);
    case Kind.Suffix:
      return rank(a) - rank(b);
    default:
      return compareTexts(a, b);
  }
}

function rank(suffix: string): number {
  return [...before, ...after].indexOf(suffix);
}

/** Of any length: some versions are dates with a time. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  return one.length - other.length || compareTexts(one, other);
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function beginsWith(whole: readonly Token[], start: readonly Token[]): boolean {
  return start.every((token, index) => {
    const mine = whole[index];
    return mine !== undefined && mine.kind === token.kind && compareValues(mine, token) === 0;
  });
}
