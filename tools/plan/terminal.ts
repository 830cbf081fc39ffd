import { groupsOf, type Part } from "./groups.ts";
import type { MachineFile, Plan, Refusal } from "./model.ts";
import { stakeRows } from "./stake/words.ts";
import { calledBelow, change, countsInWords, namesOf, whatBecomes } from "./words.ts";

/** Gives a line its colour; a terminal without colours gives it back as it is. */
export type Paint = (colour: "red" | "green" | "bold" | "yellow", text: string) => string;

/** A plan for a terminal. */
export function printTerminal(plan: Plan, paint: Paint = (_, text) => text): string {
  const lines = [paint("bold", `${plan.stack}: ${countsInWords(plan)}`)];
  for (const refusal of plan.refusals) lines.push("", ...problem(refusal, paint("red", "REFUSED")));
  for (const warning of plan.warnings) lines.push("", ...problem(warning, paint("yellow", "warning")));
  for (const { hosts, parts } of groupsOf(plan)) {
    lines.push("", paint("bold", hosts.length === 0 ? "Of no host" : namesOf(hosts)));
    for (const part of parts) lines.push(...machine(part, hosts, paint));
  }
  if (plan.order.length > 0) {
    lines.push("", paint("bold", "In this order"));
    for (const [index, { stage, machines }] of plan.order.entries())
      lines.push(`  ${index + 1}. ${stage}: ${namesOf(machines)}`);
  }
  return `${[...lines, ...stake(plan, paint)].join("\n")}\n`;
}

function stake({ atStake }: Plan, paint: Paint): string[] {
  if (atStake === undefined) return [];
  const title = paint("bold", `At stake, as asked at ${atStake.askedAt}`);
  if (atStake.nodes.length === 0) return ["", `${title}: no node stops`];
  const rows = stakeRows(atStake).flatMap(({ names, what, lines }) => [
    `  ${names}  ${what}`,
    ...lines.map((line) => `    ${line}`),
  ]);
  return ["", title, ...rows];
}

function problem({ rule, where, message, hint }: Refusal, word: string): string[] {
  const first = `${word}  ${rule}${where === "" ? "" : `  ${where}`}`;
  return [
    first,
    ...`${message}\n${hint === "" ? "" : `→ ${hint}`}`
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
  ];
}

function machine({ names, machine, like }: Part, hosts: readonly string[], paint: Paint): string[] {
  const lines = [`  ${calledBelow(hosts, names, machine)}  ${whatBecomes(machine)}`];
  if (like !== undefined) return [...lines, `    as ${like}`];
  for (const { setting, before, after } of machine.settings) lines.push(`    ${setting}: ${change(before, after)}`);
  for (const secret of machine.secrets) lines.push(`    ${secret}: another secret`);
  for (const one of machine.files) lines.push(`    ${titleOf(one)}`, ...diffLines(one, paint));
  return lines;
}

function titleOf({ file, change }: MachineFile): string {
  return change === "changed" ? file : `${file} (${change})`;
}

function diffLines({ diff }: MachineFile, paint: Paint): string[] {
  if (diff === "") return [];
  return diff.split("\n").map((line) => {
    const text = `      ${line}`;
    return line.startsWith("-") ? paint("red", text) : line.startsWith("+") ? paint("green", text) : text;
  });
}
