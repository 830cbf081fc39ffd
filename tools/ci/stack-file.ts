import { isDeepStrictEqual } from "node:util";
import { parseDocument, visit } from "yaml";

/** A stack file for the preview of a pull request, or why there is none. */
export type StackFile =
  | {
      readonly text: string;
      /** Settings that the pull request changes and that were not taken, such as `secretsprovider`. */
      readonly ignored: readonly string[];
    }
  | { readonly problem: string };

/** The only settings that a pull request brings: which site file, and what is laid over it. */
const taken = ["bramble:site", "bramble:override"];

/**
 * The base branch's stack file with the pull request's settings that are data. All else stays as it is on the base
 * branch: another secrets provider would be asked with the runner's rights, another salt or secret would give other
 * keys, and settings of providers can name commands. An encrypted value is refused in what is taken: copied from the
 * site's secret to where the program shows what it reads, it would be printed.
 */
export function stackFileFor(base: string, proposed: string): StackFile {
  const document = parseDocument(base);
  if (document.errors.length > 0) throw new Error(`the base branch's stack file is damaged: ${document.errors[0]}`);
  const before = settings(document.toJS());
  const theirs = read(proposed);
  if ("problem" in theirs) return theirs;
  const after = settings(theirs.value);

  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => !isDeepStrictEqual(before.get(name), after.get(name)),
  );
  const wanted = changed.filter((name) => taken.includes(name));
  for (const name of wanted) {
    const now = after.get(name);
    if (hasEncrypted(now))
      return { problem: `${name} has an encrypted value (secure:), which the site would show; write it in clear` };
    if (now === undefined) document.deleteIn(["config", name]);
    else document.setIn(["config", name], document.createNode(now));
  }
  const ignored = changed.filter((name) => !taken.includes(name));
  // Quoted, since the engine's parser takes some plain words (yes, 0x1f) for something else than ours does.
  return { text: wanted.length === 0 ? base : document.toString({ defaultStringType: "QUOTE_DOUBLE" }), ignored };
}

/** A file of others as plain values, without aliases, which could make it grow without end. */
function read(text: string): { value: unknown } | { problem: string } {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) return { problem: error.message.trimEnd() };
  let aliases = 0;
  visit(document, { Alias: () => void aliases++ });
  if (aliases > 0) return { problem: "it has aliases (*name); write out what they stand for" };
  const value: unknown = document.toJS();
  return value === null || isMapping(value) ? { value } : { problem: "it is no mapping" };
}

/** All settings of a stack file by name: those of `config:`, and the engine's own beside it. */
function settings(file: unknown): ReadonlyMap<string, unknown> {
  const { config, ...own } = isMapping(file) ? file : {};
  return new Map([...Object.entries(own), ...Object.entries(isMapping(config) ? config : {})]);
}

function hasEncrypted(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasEncrypted);
  if (!isMapping(value)) return false;
  return Object.entries(value).some(([key, inner]) => key.toLowerCase() === "secure" || hasEncrypted(inner));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
