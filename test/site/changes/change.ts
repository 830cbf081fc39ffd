import assert from "node:assert/strict";
import { type Judgement, judgeChange } from "../../../site/changes/judge.ts";
import { type SiteSummary, summarise } from "../../../site/changes/summary.ts";
import type { Site } from "../../../site/model.ts";
import { readSite } from "../../../site/read.ts";

/** What is not in the site file, and can change too. */
export interface World {
  readonly image?: string;
  /** Releases of bootloaders by board. */
  readonly bootloaders?: Readonly<Record<string, string>>;
}

/** The site of a text. */
export function siteOf(text: string): Site {
  const read = readSite({ file: "stacks/home.yaml", text });
  assert.ok(read.ok, JSON.stringify(read));
  return read.site;
}

/** What the state would have of the site. */
export function summaryOf(text: string, { image = "debian-13", bootloaders = {} }: World = {}): SiteSummary {
  const site = siteOf(text);
  const meant = new Map(site.boot?.boards.map(({ name, bootloader }) => [name, bootloader?.downgrade]));
  return summarise(site, {
    siteId: "0123456789ab",
    image: () => image,
    bootloader: (board) => {
      const [version, downgrade] = [bootloaders[board], meant.get(board)];
      return version === undefined ? undefined : { version, ...(downgrade && { downgrade }) };
    },
  });
}

/** Judges the change from one site file to another, as the `number`th of the site. */
export function judged(
  before: string,
  after: string,
  worlds: readonly [World, World] = [{}, {}],
  number = 3,
): Judgement {
  const { limits, allow } = siteOf(after);
  return judgeChange({
    before: summaryOf(before, worlds[0]),
    after: summaryOf(after, worlds[1]),
    limits,
    allow,
    number,
  });
}

/** What is refused, as `RULE: MESSAGE → HINT`. */
export function refusals({ refusals }: Judgement): string[] {
  return refusals.map(({ rule, message, hint }) => `${rule}: ${message} → ${hint}`);
}

/** The word by which a change that is refused can be allowed. */
export function wordIn(refusal: string | undefined): string {
  const word = /plan: (p[0-9a-f]{8}),/.exec(refusal ?? "")?.[1];
  assert.ok(word, `no word in ${refusal}`);
  return word;
}

/** The site file with an allowance. */
export function allowing(text: string, rule: string, plan: string): string {
  return `${text}allow: { ${rule}: { plan: ${plan}, because: It was agreed } }\n`;
}

/** A change that a rule refuses. */
export interface Case {
  readonly what: string;
  readonly rule: string;
  readonly before: string;
  readonly after: string;
  readonly worlds?: readonly [World, World];
  /** What is said after the rule's name. */
  readonly says: RegExp;
}

/** Sees the rule refuse, allow what its word was copied for, and refuse when there is another word. */
export function refusedUnlessAllowed({ rule, before, after, worlds, says }: Case): void {
  const all = refusals(judged(before, after, worlds));
  const byRule = (found: readonly string[]) => found.filter((refusal) => refusal.startsWith(`${rule}: `));
  const [first, ...others] = byRule(all);
  assert.match(first?.slice(rule.length + 2) ?? `not refused, but ${all}`, says);
  const word = wordIn(first);
  for (const other of others) assert.equal(wordIn(other), word);
  const allowed = judged(before, allowing(after, rule, word), worlds);
  assert.deepEqual(allowed.allowed, { [rule]: "It was agreed" });
  assert.deepEqual(allowed.stale, []);
  assert.deepEqual(byRule(refusals(allowed)), []);
  const mistaken = judged(before, allowing(after, rule, "p00000000"), worlds);
  assert.deepEqual(mistaken.stale, [rule]);
  assert.deepEqual(refusals(mistaken), all);
}
