import { basename } from "node:path";
import { checkSchema } from "./check-schema.ts";
import { layTogether, type Overrides, type SiteDocument } from "./document.ts";
import { type Draft, draftSite } from "./draft.ts";
import { type Layer, readLayer } from "./layer.ts";
import type { Site } from "./model.ts";
import { parseName } from "./names.ts";
import { naturalOrder } from "./natural-order.ts";
import { place } from "./placement.ts";
import { type Finding, type Problem, showPath } from "./problem.ts";
import { resolveSite } from "./resolve.ts";
import { addressRules } from "./rules/addresses.ts";
import { boardRules } from "./rules/boards.ts";
import { bootRules, bootWarnings } from "./rules/boot.ts";
import { capacityRules, homelessRules } from "./rules/capacity.ts";
import { clusterRules, clusterWarnings } from "./rules/clusters.ts";
import { duplicateRules } from "./rules/duplicates.ts";
import { k3sRules } from "./rules/k3s.ts";
import { k3sNetworkRules } from "./rules/k3s-networks.ts";
import { k3sPlacementRules, k3sPlacementWarnings } from "./rules/k3s-placement.ts";
import { networkRules, networkWarnings } from "./rules/network.ts";
import { placementWarnings } from "./rules/placement.ts";
import { storageRules, storageWarnings } from "./rules/storage.ts";
import { userRules } from "./rules/users.ts";

export interface SiteText {
  /** Path of the site file, as messages shall name it. Its name without `.yaml` is the site's, unless it says another. */
  readonly file: string;
  readonly text: string;
  /** Laid over the file: small changes that live in the stack's configuration. */
  readonly overrides?: Overrides;
}

export type SiteResult =
  | {
      readonly ok: true;
      readonly site: Site;
      readonly warnings: readonly Problem[];
      /** Says where in the file things stand that are found to be wrong later, in the order of the file. */
      readonly locate: (findings: readonly Finding[]) => readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** Reads a site from the text of one file. What is named there as its `base` is not looked at; see readSiteOf(). */
export function readSite({ file, text, overrides }: SiteText): SiteResult {
  return readSiteOf([readLayer(file, text)], overrides);
}

/**
 * Reads a site: YAML, schema, rules, placement. Answers with the site, or with everything that is wrong with it, in
 * the order of the file. Warnings do not stop anything.
 * @param layers the site file, after the files that it is based on, the furthest first
 */
export function readSiteOf(layers: readonly Layer[], overrides?: Overrides): SiteResult {
  const document = layTogether(layers, overrides);
  const nothing = layers.filter(({ value, problems }) => problems.length === 0 && (value ?? undefined) === undefined);
  const unreadable = [...document.problems, ...nothing.map(({ file }) => empty(file))];
  if (unreadable.length > 0) return { ok: false, problems: inOrder(unreadable), warnings: [] };

  const file = layers.at(-1)?.file ?? "";
  const checked = checkSchema(document.value, document.written);
  const draft = draftSite(basename(file).replace(/\.ya?ml$/, ""), document.value, checked);
  const findings = [
    ...checked.findings,
    ...siteName(draft, checked.incomplete),
    ...rules.flatMap((rule) => rule(draft)),
  ];
  const warned = [
    ...networkWarnings(draft),
    ...bootWarnings(draft),
    ...storageWarnings(draft),
    ...clusterWarnings(draft),
  ];
  const stop = (found: readonly Finding[]): SiteResult => ({
    ok: false,
    problems: inOrder([...document.conflicts, ...withoutEchoes(found).map(document.locate)]),
    warnings: located(document, warned),
  });

  const capacity = capacityRules(draft);
  if (capacity.length > 0 || !draft.countable) return stop([...findings, ...capacity]);
  const placement = place(draft.name, draft.hosts, draft.vms);
  const homeless = homelessRules(draft, placement);
  if (findings.length + homeless.length + document.conflicts.length > 0) return stop([...findings, ...homeless]);

  const site = resolveSite(draft, placement);
  const misplaced = k3sPlacementRules(site);
  if (misplaced.length > 0) return stop(misplaced);
  const warnings = located(document, [...warned, ...placementWarnings(site), ...k3sPlacementWarnings(site)]);
  return { ok: true, site, warnings, locate: (findings) => located(document, findings) };
}

const rules: readonly ((draft: Draft) => Finding[])[] = [
  networkRules,
  boardRules,
  bootRules,
  storageRules,
  addressRules,
  duplicateRules,
  clusterRules,
  k3sRules,
  k3sNetworkRules,
  userRules,
];

/** A site that does not name itself has the name of its file, which must then be a name. */
function siteName({ name }: Draft, incomplete: ReadonlySet<string>): Finding[] {
  const parsed = parseName(name);
  if ("value" in parsed || incomplete.has("site")) return [];
  return [
    {
      rule: "bad-name",
      path: ["site"],
      message: `the file's name: ${parsed.message}`,
      hint: `${parsed.hint}, or add site: NAME`,
    },
  ];
}

/** Leaves out "x is missing" where a misspelled x was found. */
function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set(findings.flatMap(({ suggests }) => (suggests === undefined ? [] : showPath(suggests))));
  return findings.filter(({ rule, path }) => rule !== "missing-key" || !meant.has(showPath(path)));
}

function located(document: SiteDocument, findings: readonly Finding[]): Problem[] {
  return inOrder(findings.map(document.locate));
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => naturalOrder(a.file, b.file) || a.line - b.line || a.column - b.column);
}

function empty(file: string): Problem {
  const hint = "write network:, boards: and clusters:, as in stacks/example.yaml";
  return { file, line: 1, column: 1, rule: "empty-file", message: "there is nothing in this file", hint };
}
