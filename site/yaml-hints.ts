import type { ErrorCode } from "yaml";
import { escapeText } from "./problem.ts";

/** What to do about the YAML parser's complaints. */
const hints: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: "indent with spaces; YAML does not allow tabs",
  BAD_INDENT: "put this line under the first letter of the lines it belongs to",
  MISSING_CHAR: "close the quote or bracket that is open here; a text with : or # in it wants quotes",
  MULTIPLE_DOCS: "keep one document per file: remove the line ---",
  BAD_ALIAS: "define the anchor (&name) above the place where it is used (*name)",
  TAG_RESOLVE_FAILED: "write plain values; tags (!name) have no meaning here",
  BLOCK_AS_IMPLICIT_KEY: "write one `key: value` per line; a text with a colon in it wants quotes",
  MULTILINE_IMPLICIT_KEY: "write `key: value`; is a colon missing at the end of the line above?",
  BAD_SCALAR_START: "put the value in quotes: it begins with a character that YAML keeps for itself",
  BAD_DQ_ESCAPE: "use single quotes, which leave backslashes alone",
};

/** Rule, message and hint for an error of the parser. */
export function yamlHint(code: ErrorCode, message: string): { rule: string; message: string; hint: string } {
  const hint = hints[code] ?? "look at the indentation, quotes and brackets around this place";
  return { rule: "yaml-syntax", message: inPlainWords(message), hint };
}

/** The parser's message, escaped; where its recursion ended in the engine's words, in others. */
export function inPlainWords(message: string): string {
  return message.includes("call stack") ? "this is nested too deeply" : escapeText(message);
}
