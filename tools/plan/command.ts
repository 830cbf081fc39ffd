import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { stderr, stdout } from "node:process";
import { styleText } from "node:util";
import { Command, Option } from "commander";
import { interruptible } from "../lib/interruption.ts";
import { engineReady } from "../setup/setup.ts";
import { checkStack } from "../site/check.ts";
import { noStack } from "../stack/advice.ts";
import { chosenStack, stackFile } from "../stack/chosen.ts";
import { planOf } from "./make.ts";
import { longestComment, printMarkdown } from "./markdown.ts";
import type { Plan } from "./model.ts";
import { previewStack } from "./preview.ts";
import { originOf, printSaved, readSaved, staleness } from "./saved.ts";
import { stakeOf } from "./stake/of-stack.ts";
import { printTerminal } from "./terminal.ts";

/** The exit codes of a plan, by what it says. 1 is for errors. */
const exitCodes = { nothing: 0, changes: 2, refused: 3 } as const;

const help = `
Exit codes: 0 nothing to do, 2 changes, 3 refused, 1 error.

Examples:
  npm run bramble -- plan --stack home                       for people at a terminal
  npm run bramble -- plan --stack home --ask                 with the jobs and pods that it would stop
  npm run -s bramble -- plan --stack home --format markdown  for a comment on a pull request
  npm run bramble -- plan --stack home --out plan.json       keep it
  npm run bramble -- plan --read plan.json                   show it again, if it still holds`;

interface Options {
  readonly stack?: string;
  readonly format: "text" | "markdown" | "json";
  readonly full?: boolean;
  readonly fullAt?: string;
  readonly out?: string;
  readonly read?: string;
  readonly refresh?: boolean;
  readonly ask?: boolean;
}

/** `bramble plan`: what `up` would do, machine by machine, for a reviewer. */
export function planCommand(): Command {
  return new Command("plan")
    .description("what `up` would do to which machine, and what that means for it; changes nothing and needs no host")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .addOption(
      new Option("--format <format>", "how it is printed").choices(["text", "markdown", "json"]).default("text"),
    )
    .option("--full", `Markdown longer than ${longestComment} characters too`)
    .option("--full-at <where>", "what Markdown that was cut says of where all of it is")
    .option("--out <file>", "also save it there, for --read")
    .option("--read <file>", "show a saved plan; one that no longer holds is refused")
    .option("--refresh", "look first at what is really there; the site must be in reach")
    .addOption(new Option("--ask", "ask the clusters what runs on nodes that are to stop").conflicts("read"))
    .addHelpText("after", help)
    .action(async (options: Options) => {
      process.exitCode = await interruptible((signal) => show(options, signal));
    });
}

async function show(options: Options, signal: AbortSignal): Promise<number> {
  const plan =
    options.read === undefined ? await makePlan(options, signal) : await readPlan(options.read, options.stack);
  if (plan === undefined) return 1;
  stdout.write(print(plan, options));
  return exitCodes[plan.verdict];
}

/** The plan as of now; undefined when the site file is wrong, which is said then. */
async function makePlan(
  { stack: option, out, refresh = false, ask = false }: Options,
  signal: AbortSignal,
): Promise<Plan | undefined> {
  const stack = chosenStack(option);
  if (!existsSync(stackFile(stack))) throw new Error(noStack(stack));
  const { text, ok } = await checkStack(stack, false);
  if (!ok) {
    stderr.write(text);
    return undefined;
  }
  await engineReady();
  // Before the preview: what somebody changes while it runs makes the plan stale, and not wrong.
  const origin = out === undefined ? undefined : await originOf(stack);
  const { preview, said } = await previewStack(stack, { refresh, signal });
  const planned = planOf(stack, preview, said);
  const plan = ask ? { ...planned, atStake: await stakeOf(stack, planned, preview, signal) } : planned;
  if (out !== undefined && origin !== undefined) await writeFile(out, printSaved(plan, origin));
  return plan;
}

async function readPlan(file: string, option: string | undefined): Promise<Plan> {
  const { origin, plan } = await readSaved(file);
  if (option !== undefined && option !== plan.stack)
    throw new Error(`${file} is a plan for ${plan.stack}, not for ${option}.`);
  const stack = chosenStack(plan.stack);
  if (!existsSync(stackFile(stack))) throw new Error(noStack(stack));
  await engineReady();
  const why = staleness(origin, await originOf(stack));
  if (why !== undefined)
    throw new Error(
      `${file} is stale: ${why}. Make the plan again: npm run bramble -- plan --stack ${stack} --out ${file}`,
    );
  return plan;
}

function print(plan: Plan, { format, full = false, fullAt }: Options): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(plan, null, 2)}\n`;
    case "markdown":
      return printMarkdown(plan, {
        ...(full ? {} : { limit: longestComment }),
        ...(fullAt !== undefined && { fullAt }),
      });
    case "text":
      return printTerminal(plan, (colour, text) => styleText(colour, text, { stream: stdout }));
  }
}
