import fc from "fast-check";
import { stringify } from "yaml";
import type * as z from "zod";
import { readSite } from "../../../site/read.ts";
import type { siteSchema } from "../../../site/schema.ts";
import { judged, refusals } from "../../site/changes/change.ts";

/** A site file as data. */
export type Document = z.input<typeof siteSchema>;

/** A change that somebody makes to a site file. */
export interface Edit {
  readonly what: string;
  readonly apply: (site: Document) => Document;
}

/** A site file, and what made it of the one before. */
export interface Version {
  readonly what: string;
  readonly text: string;
}

/** Random right sites, each made from the one before by an edit that is not refused and changes something. */
export function histories(
  first: fc.Arbitrary<Document>,
  edit: fc.Arbitrary<Edit>,
  edits: number,
): fc.Arbitrary<Version[]> {
  const wanted = fc.array(edit, { minLength: 10 * edits, maxLength: 10 * edits });
  return fc
    .tuple(
      first.filter((site) => meaningOf(textOf(site)) !== undefined),
      wanted,
    )
    .map(([first, wanted]) => versionsOf(first, wanted, edits))
    .filter((versions) => versions.length > edits);
}

function versionsOf(first: Document, wanted: readonly Edit[], edits: number): Version[] {
  const versions = [{ what: "the first site", text: textOf(first) }];
  let [site, text] = [first, textOf(first)];
  for (const { what, apply } of wanted) {
    if (versions.length > edits) break;
    const next = apply(site);
    const printed = textOf(next);
    const meaning = meaningOf(printed);
    if (meaning === undefined || meaning === meaningOf(text) || refusals(judged(text, printed)).length > 0) continue;
    [site, text] = [next, printed];
    versions.push({ what, text });
  }
  return versions;
}

/** What a site file comes to; undefined for one with mistakes. */
function meaningOf(text: string): string | undefined {
  const read = readSite({ file: "stacks/home.yaml", text });
  return read.ok ? JSON.stringify(read.site) : undefined;
}

function textOf(site: Document): string {
  return stringify(site, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Another value for one key of something, which may be none. */
export function oneKey<T extends object>(whole: fc.Arbitrary<T>): fc.Arbitrary<{ key: string; patch: Partial<T> }> {
  return whole.chain((drawn) =>
    fc.constantFrom(...Object.entries(drawn)).map(([key, value]) => ({ key, patch: { [key]: value } as Partial<T> })),
  );
}

export function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

/** Some of these values, in their order. */
export function some<T>(...values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.subarray([...values]);
}

/** A key of the site gets its next epoch. */
export function nextKey(...purposes: readonly Purpose[]): fc.Arbitrary<Edit> {
  return fc.constantFrom(...purposes).map((purpose) => ({
    what: `another ${purpose}`,
    apply: (site) => {
      const epoch = site.keys?.epoch ?? {};
      return { ...site, keys: { epoch: { ...epoch, [purpose]: (epoch[purpose] ?? 1) + 1 } } };
    },
  }));
}

type Purpose = keyof NonNullable<NonNullable<Document["keys"]>["epoch"]>;
