import type { Diagnostic } from "./events.ts";
import type { Refusal } from "./model.ts";

export interface Said {
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Refusal[];
  /** What failed otherwise; then there is no plan. */
  readonly failures: readonly string[];
}

/** Sorts what the engine said: refusals of the plan, by the name of their rule, warnings, and whatever else went wrong. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Said {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const sorted = errors.map(({ message }) => ({ message, refusals: refusalsIn(message) }));
  const warnings = diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message);
  const refusals = sorted.flatMap(({ refusals }) => refusals);
  const others = sorted.filter(({ refusals }) => refusals.length === 0).map(({ message }) => message);
  return {
    refusals,
    warnings: warnings.flatMap((text) => {
      const known = printedProblems(text);
      return known.length > 0
        ? known
        : [{ rule: "warning", where: "", message: text.replace(/^warning: /, ""), hint: "" }];
    }),
    // Once a plan is refused, the engine also says that the preview failed.
    failures: others.filter((text) => refusals.length === 0 || !/preview failed/.test(text)),
  };
}

/** Refusals that an error of the engine is made of; none if it is another kind of error. */
function refusalsIn(message: string): Refusal[] {
  const problem = /resource '([^']*)' has a problem: ([\s\S]*)/.exec(message);
  if (problem !== null) {
    const [, resource = "", text = ""] = problem;
    const known = printedProblems(text);
    return known.length > 0 ? known : [{ rule: "not-possible", where: resource, message: text.trim(), hint: "" }];
  }
  return /marked for protection|cannot be deleted/.test(message) ? [protectedDisk(message)] : [];
}

/** The engine won't delete what is protected, and only data disks are. */
function protectedDisk(message: string): Refusal {
  const [disk = "", cause] = [...message.matchAll(/urn:pulumi:[^\s"'`]*::([^\s"':`]+)/g)].map(([, name]) => name);
  const why = cause === undefined || cause === disk ? "" : `, for ${cause} would be made anew`;
  return {
    rule: "disk-protected",
    where: disk,
    message: `${disk} is a disk with data that is not marked as disposable, and this plan would delete it${why}`,
    hint: "leave its VM and its host as they are, or see docs/operations.md, Move a VM",
  };
}

/** Problems in the form in which site/problem.ts prints them: `FILE:1:2  rule  message`, and a line with `→ hint`. */
function printedProblems(text: string): Refusal[] {
  const found: Refusal[] = [];
  for (const line of text.split("\n").map((line) => line.trim())) {
    const [, where, rule, message] = /^(?:warning: )?(\S.*?) {2}([a-z0-9]+(?:-[a-z0-9]+)+) {2}(.*)$/.exec(line) ?? [];
    const hint = /^→ (.*)$/.exec(line)?.[1];
    const last = found.at(-1);
    if (where !== undefined && rule !== undefined && message !== undefined)
      found.push({ where, rule, message, hint: "" });
    else if (last !== undefined && hint !== undefined) found[found.length - 1] = { ...last, hint };
  }
  return found;
}
