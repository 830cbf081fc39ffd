import { type Parsed, show } from "./problem.ts";

/** Names that users choose. All of them end up in host names, file names and XML, so little is allowed. */

export const longestName = 20;
export const namePattern = "^[a-z]([a-z0-9-]*[a-z0-9])?$";
export const groupNamePattern = "^[a-z]([a-z0-9]*[a-z])?$";
export const userNamePattern = "^[a-z][a-z0-9_-]*$";
/** A site file, as one beside it names it: in its folder or below, not hidden, and no way up. */
export const siteFilePattern = "^([A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*\\.ya?ml$";

/** A site, board, cluster or partition: at most 20 lower-case letters, digits and hyphens. */
export function parseName(text: string): Parsed<string> {
  return parse(text, namePattern, longestName, "a name", "lower-case letters, digits and hyphens, first a letter");
}

/** A worker group: at most 10 letters and digits; the last is a letter, since a number follows (`n` gives `n1`). */
export function parseGroupName(text: string): Parsed<string> {
  const rule = "lower-case letters and digits, first and last a letter because a number follows it";
  return parse(text, groupNamePattern, 10, "a group name", rule);
}

/** A login, as Debian's adduser allows: at most 32 characters. */
export function parseUserName(text: string): Parsed<string> {
  const rule = "lower-case letters, digits, hyphens and underscores, first a letter";
  return parse(text, userNamePattern, 32, "a user name", rule);
}

function parse(text: string, pattern: string, longest: number, what: string, allowed: string): Parsed<string> {
  const hint = `use at most ${longest} ${allowed}`;
  if (text.length > longest) return { message: `${show(text)} has ${text.length} characters`, hint };
  // JavaScript's own names for what every object has; harmless to no one else, so refused.
  if (text === "constructor")
    return { message: `${show(text)} is not ${what} that can be used`, hint: "choose another" };
  return new RegExp(pattern).test(text) ? { value: text } : { message: `${show(text)} is not ${what}`, hint };
}
