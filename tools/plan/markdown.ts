import { type Block, fit } from "./cut.ts";
import { groupsOf, type Part } from "./groups.ts";
import type { Plan, Refusal } from "./model.ts";
import { stakeRows } from "./stake/words.ts";
import { calledBelow, change, countsInWords, namesOf, whatBecomes } from "./words.ts";

/** The longest comment that GitHub takes, in characters. */
export const longestComment = 65_536;

export interface MarkdownOptions {
  /** The longest that the text may be, in characters; missing: as long as it gets. */
  readonly limit?: number;
  /** Where all of it is, for the sentence at the end of a text that was cut. */
  readonly fullAt?: string;
}

/**
 * A plan as Markdown, for a comment on a pull request: refusals, a table of machines from the worst on, then what
 * differs, to be opened. One that is too long is cut between rows and lines, so that tables and fences stay whole.
 */
export function printMarkdown(plan: Plan, { limit, fullAt }: MarkdownOptions = {}): string {
  const groups = groupsOf(plan);
  const blocks: Block[] = [
    whole(`### Plan for \`${plan.stack}\`: ${countsInWords(plan)}\n`),
    ...plan.refusals.map((refusal) => whole(problem(refusal, "⛔ **Refused**"))),
    ...plan.warnings.map((warning) => whole(problem(warning, "⚠️"))),
    ...table(groups),
    ...order(plan),
    ...stake(plan),
    ...groups.flatMap(({ parts }) => parts.flatMap(details)),
  ];
  return fit(
    blocks,
    limit,
    `\n_This is not all: the plan is longer than a comment can be. All of it: ${fullAt ?? "`npm run bramble -- plan`"}._\n`,
  );
}

/** Text of others, of which Markdown makes nothing: no formatting, no HTML, nobody is notified. */
export function plainMarkdown(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("@", "&#64;")
    .replaceAll("#", "&#35;")
    .replaceAll(/[\\`*_{}[\]()>|~!]/g, (character) => `\\${character}`)
    .replaceAll("://", ":&#47;/")
    .replaceAll("\n", " ");
}

/** Text of others inside of HTML. */
export function plainHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("@", "&#64;");
}

/** Text of others as code, whatever backticks are in it. In a table, a bar needs a backslash even there. */
export function code(text: string): string {
  const line = text.replaceAll("\n", " ").replaceAll("|", "\\|");
  const ticks = "`".repeat(longestRun(line) + 1);
  const space = line.startsWith("`") || line.endsWith("`") || line === "" ? " " : "";
  return `${ticks}${space}${line}${space}${ticks}`;
}

/** The fence for a text: longer than any in it. */
export function fenceFor(text: string): string {
  return "`".repeat(Math.max(3, longestRun(text) + 1));
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

function whole(text: string): Block {
  return { head: text, lines: [], foot: "" };
}

function problem({ rule, where, message, hint }: Refusal, word: string): string {
  const place = where === "" ? "" : ` (${code(where)})`;
  return `\n${word} ${code(rule)}${place}: ${plainMarkdown(message)}${hint === "" ? "" : `\n→ ${plainMarkdown(hint)}`}\n`;
}

function table(groups: ReturnType<typeof groupsOf>): Block[] {
  if (groups.length === 0) return [];
  const rows = groups.flatMap(({ hosts, parts }) =>
    parts.map(({ names, machine }, index) => {
      const host = index === 0 && hosts.length > 0 ? plainNames(hosts) : "";
      return `| ${host} | ${plainMarkdown(calledBelow(hosts, names, machine))} | ${plainMarkdown(whatBecomes(machine))} |\n`;
    }),
  );
  return [{ head: "\n| Host | Machine | What becomes of it |\n| --- | --- | --- |\n", lines: rows, foot: "" }];
}

function plainNames(names: readonly string[]): string {
  return plainMarkdown(namesOf(names));
}

function order({ order }: Plan): Block[] {
  if (order.length === 0) return [];
  const lines = order.map(
    ({ stage, machines }, index) => `${index + 1}. ${stage}: ${plainMarkdown(namesOf(machines))}\n`,
  );
  return [{ head: "\nIn this order:\n\n", lines, foot: "" }];
}

function stake({ atStake }: Plan): Block[] {
  if (atStake === undefined) return [];
  const title = `At stake, as asked at ${atStake.askedAt}`;
  if (atStake.nodes.length === 0) return [whole(`\n${title}: no node stops.\n`)];
  const rows = stakeRows(atStake).flatMap(({ names, what, lines }) =>
    [[names, what], ...lines.map((line) => ["", line])].map((cells) => `| ${cells.map(plainMarkdown).join(" | ")} |\n`),
  );
  return [{ head: `\n${title}:\n\n| Node | What runs there |\n| --- | --- |\n`, lines: rows, foot: "" }];
}

function details({ names, machine, like, also }: Part): Block[] {
  const { settings, secrets, files } = machine;
  if (like !== undefined || settings.length + secrets.length + files.length === 0) return [];
  const of = plainHtml(namesOf([...names, ...also]));
  const open = (what: string) => `\n<details><summary>${of}: ${what}</summary>\n\n`;
  const blocks: Block[] = [];
  if (settings.length + secrets.length > 0) {
    const lines = [
      ...settings.map(({ setting, before, after }) => `- ${code(setting)}: ${code(change(before, after))}\n`),
      ...secrets.map((secret) => `- ${code(secret)}: another secret\n`),
    ];
    blocks.push({ head: open("settings"), lines, foot: "\n</details>\n" });
  }
  for (const { file, change, diff } of files) {
    const what = `${plainHtml(file)}${change === "changed" ? "" : ` (${change})`}`;
    const fence = fenceFor(diff);
    const lines = diff.split("\n").map((line) => `${line}\n`);
    blocks.push({ head: `${open(what)}${fence}diff\n`, lines, foot: `${fence}\n\n</details>\n` });
  }
  return blocks;
}
