import { rename, writeFile } from "node:fs/promises";
import { stderr, stdout } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { interruptible } from "../lib/interruption.ts";
import { chosenStack } from "../stack/chosen.ts";
import { siteAccess } from "../stack/stacks.ts";
import { assembleStatus } from "./assemble.ts";
import { gather } from "./gather.ts";
import { type Status, statusJsonSchema } from "./model.ts";
import { statusPage } from "./page.ts";
import { plannedOf } from "./planned.ts";
import { progressOn } from "./progress.ts";
import { statusText } from "./text.ts";
import { exitCodeOf } from "./verdict.ts";

interface Options {
  readonly stack?: string;
  readonly timeline?: boolean;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
  readonly html?: string;
  readonly watch?: boolean | number;
}

/** How often a site is asked that is watched, in seconds, if not said. */
const usualPause = 10;

const help = `
Asks each board and VM over SSH, and the boot server for its logs, all at the same time; whoever does not answer within
4 s is off, for now. Nothing is changed. docs/status.md explains the columns and the states.

Exit codes: 0 all is as it should be or only waits for \`up\` or a reboot, 4 machines are off, 5 some are degraded.

Examples:
  npm run bramble -- status --stack home
  npm run bramble -- status --stack home --timeline       also how each board booted last
  npm run bramble -- status --stack home --watch 5        again and again, with pauses of 5 s
  npm run bramble -- status --stack home --json | jq '.vms[] | select(.state != "current")'
  npm run bramble -- status --stack home --html site.html`;

/** `bramble status`: what each machine of a site should run, and what it runs. */
export function statusCommand(): Command {
  return new Command("status")
    .description("say what each board and VM should run, what it runs, since when, and how far its boot came")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .option("--timeline", "show the last boot of each board, not only of those with something to say of it")
    .option("--json", "print it as JSON; --json-schema prints what that looks like")
    .option("--json-schema", "print the JSON Schema of --json, and ask nobody")
    .option("--html <file>", "also write it as one page with a picture of the site")
    .option("--watch [seconds]", `ask again and again, with a pause (${usualPause} s if not said)`, parsePause)
    .addHelpText("after", help)
    .action(async (options: Options) => {
      if (options.jsonSchema === true) return print(`${JSON.stringify(statusJsonSchema(), undefined, 2)}\n`);
      const watch = await watcher(chosenStack(options.stack));
      const show = (status: Status, isAgain: boolean) => showStatus(status, options, isAgain);
      if (options.watch === undefined || options.watch === false) {
        process.exitCode = await show(await watch(), false);
        return;
      }
      const seconds = options.watch === true ? usualPause : options.watch;
      process.exitCode = await interruptible((signal) => again(watch, show, seconds, signal));
    });
}

/** What is asked whenever a status is wanted; the site and its keys are read once. */
export async function watcher(stack: string): Promise<() => Promise<Status>> {
  const { site, keys, siteId } = await siteAccess(stack);
  const planned = await plannedOf(site, keys, siteId);
  return async () => {
    const progress = progressOn(stderr);
    try {
      return assembleStatus(stack, site, planned, await gather(site, keys, progress.show));
    } finally {
      progress.clear();
    }
  };
}

/** Until somebody has seen enough, which is no failure. */
async function again(
  watch: () => Promise<Status>,
  show: (status: Status, isAgain: boolean) => Promise<number>,
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  let code = 0;
  for (let isAgain = false; !signal.aborted; isAgain = true) {
    code = await show(await watch(), isAgain);
    const over = await pause(seconds * 1000, false, { signal }).catch((error: unknown) => {
      if (signal.aborted) return true;
      throw error;
    });
    if (over) break;
  }
  return code;
}

async function showStatus(status: Status, options: Options, isAgain: boolean): Promise<number> {
  const reader = { offsetMinutes: -new Date().getTimezoneOffset() };
  if (options.html !== undefined) await writeWhole(options.html, statusPage(status, reader));
  if (options.json === true) {
    // One line each, where there are more to come.
    print(`${JSON.stringify(status, undefined, options.watch === undefined ? 2 : undefined)}\n`);
  } else {
    const text = statusText(status, { ...reader, timelines: options.timeline === true ? "all" : "needed" });
    print(isAgain && stdout.isTTY ? `${clearScreen}${text}` : text);
  }
  return exitCodeOf(status);
}

const clearScreen = "\u001b[H\u001b[2J";

/** Whoever reads the file sees the old one or the new one. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

function print(text: string): void {
  stdout.write(text);
}

function parsePause(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError("The pause is 1 to 3600 seconds.");
}
