import { stderr, stdin, stdout } from "node:process";
import { createInterface } from "node:readline/promises";
import { Command, InvalidArgumentError } from "commander";
import type { Boot, Site } from "../../site/model.ts";
import { interruptible } from "../lib/interruption.ts";
import { withLock } from "../lib/lock.ts";
import { chosenStack } from "../stack/chosen.ts";
import { rolloutLock } from "../stack/rollout-lock.ts";
import { siteAccess } from "../stack/stacks.ts";
import { freeStateLock } from "../stack/state-lock.ts";
import { progressOn } from "../status/progress.ts";
import { type Context, contextOf } from "./context.ts";
import { lookAtSite, planRollout, type RolloutPlan, type Wishes } from "./plan.ts";
import { releaseBoard } from "./restart.ts";
import { runRollout } from "./run.ts";
import { withServerLock } from "./server-lock.ts";
import { planText } from "./text.ts";

interface Options {
  readonly stack?: string;
  readonly only?: readonly string[];
  readonly batch?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly release?: string;
}

const help = `
\`up\` publishes what boards boot, and restarts none. This restarts those that are to boot something else, one after the
other: it drains their nodes and shuts their VMs down, restarts the board, and goes on when the board says itself that it
runs what is published, its VMs run, and its nodes take work again. It stops at the first that does not come up, and gives
that one back what it ran before. Run it again after whatever stopped it. docs/rollout.md says the rest.

Exit codes: 0 all is done, 1 it stopped, 4 boards were left alone that are off, 5 some that are degraded, 130 interrupted.

Examples:
  npm run bramble -- rollout --stack home --dry-run       what would be done, in which order; changes nothing
  npm run bramble -- rollout --stack home                 show that, ask, do it
  npm run bramble -- rollout --stack home --only pi1 pi2  only these, also if they are not as they should be
  npm run bramble -- rollout --stack home --release pi2   try again what pi2 did not come up with`;

/** `bramble rollout`: restarts boards, so that they boot what is published for them. */
export function rolloutCommand(): Command {
  return new Command("rollout")
    .description("restart boards that are to boot something else, in batches, each only when the one before works")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .option("--only <boards...>", "only these boards")
    .option("--batch <number>", "how many at once, at most limits.boards (or rollout.batch of the site)", parseCount)
    .option("--dry-run", "only say what would be done")
    .option("--json", "print that as JSON, with --dry-run")
    .option("--yes", "don't ask")
    .option("--release <board>", "no longer hold back what this board did not come up with, and restart none")
    .addHelpText("after", help)
    .action(async (options: Options) => {
      process.exitCode = await rollout(chosenStack(options.stack), options);
    });
}

async function rollout(stack: string, options: Options): Promise<number> {
  const { site, keys, siteId } = await siteAccess(stack);
  if (!boots(site)) {
    say("No board of this site boots over the network, so there is none to restart.");
    return 0;
  }
  // What is printed as JSON is nothing else.
  const context = contextOf(site, keys, siteId, options.json === true ? aside : say);
  if (options.dryRun === true) {
    const plan = await planned(context, options);
    stdout.write(options.json === true ? `${JSON.stringify(plan, undefined, 2)}\n` : planText(site, plan));
    return 0;
  }
  await freeStateLock(stack);
  return await interruptible((signal) =>
    withLock(rolloutLock(stack), "a rollout", () =>
      withServerLock(context, async (lock) => {
        if (options.release !== undefined) {
          say(await releaseBoard(context, boardNamed(context, options.release)));
          return 0;
        }
        const plan = await planned(context, options);
        stdout.write(planText(site, plan));
        const isIdle = [plan.batches, plan.awaited, plan.unfinished, plan.drained].every(({ length }) => length === 0);
        if (!isIdle && options.yes !== true && !(await confirmed(signal))) {
          say("Nothing was done.");
          return 1;
        }
        return await runRollout(context, plan, lock, signal);
      }),
    ),
  );
}

/** Asks the site what it runs, and works out what is to be done about it. */
async function planned(context: Context, wishes: Wishes): Promise<RolloutPlan> {
  const progress = progressOn(stderr);
  try {
    return planRollout(context, ...(await lookAtSite(context, progress.show)), wishes);
  } finally {
    progress.clear();
  }
}

async function confirmed(signal: AbortSignal): Promise<boolean> {
  if (!stdin.isTTY) throw new Error("Nobody can be asked here whether to go on. Say --yes, or --dry-run to only look.");
  const terminal = createInterface({ input: stdin, output: stdout });
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT")); // else a terminal keeps Ctrl-C to itself
  try {
    return /^y(es)?$/i.test((await terminal.question("\nGo on? yes or no: ", { signal })).trim());
  } finally {
    terminal.close();
  }
}

function boardNamed({ site }: Context, name: string): string {
  if (site.boot.boards.some((board) => board.name === name)) return name;
  throw new Error(`No board that boots over the network is called ${name}.`);
}

function boots(site: Site): site is Site & { readonly boot: Boot } {
  return site.boot !== undefined && site.boot.boards.length > 0;
}

function say(line: string): void {
  stdout.write(withTime(line));
}

function aside(line: string): void {
  stderr.write(withTime(line));
}

/** A rollout takes minutes, and people read later what it said. */
function withTime(line: string): string {
  return `${new Date().toTimeString().slice(0, 8)}  ${line.replaceAll("\n", "\n          ")}\n`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("It is a number from 1.");
}
