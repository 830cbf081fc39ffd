import { apkVersionFits, isApkVersion, type VersionOperator } from "./apk-version.ts";

/** What a package or a world asks for: `chrony`, `chrony>=4.8`, `so:libc.so.6`, or `!openntpd`: that it is not there. */
export interface ApkDependency {
  /** As it was written. */
  readonly word: string;
  readonly name: string;
  readonly isConflict: boolean;
  readonly version?: { readonly operator: VersionOperator; readonly wanted: string };
}

/** What provides a name: by being called so, or by a word of its `provides`, which may lack a version. */
export interface ApkProvision {
  readonly name: string;
  readonly version: string | undefined;
}

const form = /^(!?)([^\s!<>=~@]+)(?:(=|<=?|>=?|=?~|~=)(\S+))?$/;

/** Reads a word; undefined for one that is none, also for one with a repository's tag (`chrony@edge`). */
export function parseApkDependency(word: string): ApkDependency | undefined {
  const [, conflict, name, operator, wanted] = form.exec(word) ?? [];
  if (name === undefined) return undefined;
  const base = { word, name, isConflict: conflict === "!" };
  if (operator === undefined || wanted === undefined) return base;
  if (!isApkVersion(wanted)) return undefined;
  return { ...base, version: { operator: operator.includes("~") ? "~" : (operator as VersionOperator), wanted } };
}

/** Reads a word of `provides`: `so:libz.so.1=1.3.1`, or `mta`. */
export function parseApkProvision(word: string): ApkProvision {
  const at = word.indexOf("=");
  return at === -1 ? { name: word, version: undefined } : { name: word.slice(0, at), version: word.slice(at + 1) };
}

/**
 * Whether a dependency is met where its name is provided so, or, with undefined, by nothing. A provision without a
 * version meets no dependency that asks for one.
 */
export function isMet({ isConflict, version }: ApkDependency, provision: ApkProvision | undefined): boolean {
  if (provision === undefined) return isConflict;
  if (version === undefined) return !isConflict;
  const fits = provision.version !== undefined && apkVersionFits(provision.version, version.operator, version.wanted);
  return fits !== isConflict;
}
