import { createHash } from "node:crypto";
import type { AllowableRule, Allowances, Limits } from "../model.ts";
import { countRules } from "./counts.ts";
import { diskRules } from "./disks.ts";
import { bootloaderRules } from "./hardware.ts";
import { k3sRules } from "./k3s.ts";
import type { Change, ChangeRule, Objection } from "./objection.ts";
import { outlineOf } from "./outline.ts";
import { slurmRules } from "./slurm.ts";
import type { SiteSummary } from "./summary.ts";

/** What a change is judged by. */
export interface Trial {
  readonly before: SiteSummary;
  readonly after: SiteSummary;
  readonly limits: Limits;
  readonly allow: Allowances;
  /** How many changes the site has had: what was allowed to one of them is not allowed to another that is like it. */
  readonly number: number;
}

export interface Judgement {
  /** Why the change must not be made; none: it may. */
  readonly refusals: readonly Refusal[];
  /** What was objected to and is allowed, with the reason. */
  readonly allowed: Readonly<Partial<Record<AllowableRule, string>>>;
  /** Rules that the site file has an allowance for which is not of this change. */
  readonly stale: readonly AllowableRule[];
}

export interface Refusal {
  readonly rule: ChangeRule;
  readonly message: string;
  /** What to do instead, and how to say that it is meant. */
  readonly hint: string;
}

/** Holds a site that is to be against the one that is. Pure: the same in a preview and in `up`. */
export function judgeChange({ before, after, limits, allow, number }: Trial): Judgement {
  const change: Change = { before: outlineOf(before), after: outlineOf(after), limits };
  const objections = [
    ...k3sRules(change),
    ...slurmRules(change),
    ...diskRules(change),
    ...bootloaderRules(change),
    ...countRules(change),
  ];
  const word = (rule: ChangeRule) => planWord([after.site, number, rule, ...about(objections, rule)]);
  const isAllowed = ({ rule }: Objection) => rule !== "older-bootloader" && allow[rule]?.plan === word(rule);
  const allowances = Object.entries(allow) as [AllowableRule, { plan: string; because: string }][];
  const [used, stale] = split(allowances, ([rule]) =>
    objections.some((objection) => objection.rule === rule && isAllowed(objection)),
  );
  return {
    refusals: objections
      .filter((objection) => !isAllowed(objection))
      .map(({ rule, message, instead, meant }) => ({
        rule,
        message,
        hint: `${instead}. If it is meant, ${meant ?? `write allow: { ${rule}: { plan: ${word(rule)}, because: "…" } }`}`,
      })),
    allowed: Object.fromEntries(used.map(([rule, { because }]) => [rule, because])),
    stale: stale.map(([rule]) => rule),
  };
}

/** All that a rule objects to in a change is allowed together, or not at all. */
function about(objections: readonly Objection[], rule: ChangeRule): string[] {
  return objections.filter((objection) => objection.rule === rule).flatMap((objection) => [...objection.about]);
}

function planWord(parts: readonly (string | number)[]): string {
  return `p${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8)}`;
}

function split<T>(things: readonly T[], test: (thing: T) => boolean): [T[], T[]] {
  return [things.filter(test), things.filter((thing) => !test(thing))];
}
