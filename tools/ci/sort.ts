import { parseName } from "../../site/names.ts";
import { show } from "../../site/problem.ts";

/** A file that differs between two commits, as git says it. */
export interface Change {
  readonly path: string;
  /** Git's mode afterwards: `100644` is a plain file, `000000` is none any more. */
  readonly mode: string;
  /** Name of the content afterwards; zeros where there is none. */
  readonly blob: string;
}

/** What a pull request changes, by what may be done with it before somebody has read it. */
export interface Sorted {
  /** Site files and the artifact lock: read and checked, never run. */
  readonly data: readonly Change[];
  /** Stack files, of which some settings are data, and others would lead a preview elsewhere. */
  readonly stackFiles: readonly (Change & { readonly stack: string })[];
  /** Everything that is run, or says what is run. */
  readonly program: readonly Change[];
  /** Data that is no plain file, so that reading it would read something else; each a sentence. */
  readonly refused: readonly string[];
}

const absent = "000000";
const plainFile = "100644";

/** Whether the file is gone afterwards. */
export function isGone({ mode }: Change): boolean {
  return mode === absent;
}

/** Sorts the files of a pull request. What is not known to be data is program; documents are neither. */
export function sortChanges(changes: readonly Change[]): Sorted {
  const data: Change[] = [];
  const stackFiles: (Change & { stack: string })[] = [];
  const program: Change[] = [];
  const refused: string[] = [];
  for (const change of changes) {
    const { path, mode } = change;
    const kind = kindOf(path);
    if (kind === "document") continue;
    if (kind === "program") program.push(change);
    else if (mode !== absent && mode !== plainFile)
      refused.push(`${show(path)} is ${whatElse(mode)}, and must be a plain file that can't be executed.`);
    else if (kind === "data") data.push(change);
    else stackFiles.push({ ...change, stack: kind.stack });
  }
  return { data, stackFiles, program, refused };
}

function kindOf(path: string): "data" | "program" | "document" | { stack: string } {
  if (/^docs\/|^[^/]+\.md$/.test(path)) return "document";
  if (path === "stacks/artifacts.lock.json") return "data";
  const stack = /^stacks\/Pulumi\.(.+)\.yaml$/.exec(path)?.[1];
  if (stack !== undefined) return "value" in parseName(stack) ? { stack } : "program";
  const isSiteFile = /^stacks\/([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.ya?ml$/.test(path);
  return isSiteFile && !/(^|\/)pulumi\./i.test(path) ? "data" : "program";
}

function whatElse(mode: string): string {
  if (mode === "120000") return "a symbolic link";
  if (mode === "160000") return "a submodule";
  return mode === "100755" ? "executable" : `of mode ${mode}`;
}
