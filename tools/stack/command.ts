import { Command } from "commander";
import { missingRunnerPrograms } from "../setup/programs.ts";
import { engineReady } from "../setup/setup.ts";
import { runPulumi } from "./pulumi.ts";
import { chosenStack } from "./stacks.ts";
import { removeStaleLocks } from "./stale-lock.ts";

const operations = {
  preview: "show what `up` would do; changes nothing and needs no host",
  up: "make the site as its file says, after showing what that means",
  refresh: "look at what is really there and take it into the state",
  destroy: "take down what the stack made; data disks that are not disposable refuse",
} as const;
export type Operation = keyof typeof operations;

/** `bramble up`, `preview`, `refresh` and `destroy`: the engine's own commands, with everything they need in place. */
export function stackCommand(operation: Operation): Command {
  return new Command(operation)
    .description(operations[operation])
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .allowUnknownOption()
    .argument("[options...]", `anything that \`pulumi ${operation}\` takes, such as --diff or --yes`)
    .action(async (rest: string[], options: { stack?: string }) => {
      process.exitCode = await operate(operation, chosenStack(options.stack), rest);
    });
}

/**
 * Runs one of the engine's operations on a stack and gives its exit code.
 * @throws Error when the engine is not set up, or this machine lacks a program that the operation needs.
 */
export async function operate(operation: Operation, stack: string, args: readonly string[]): Promise<number> {
  await engineReady();
  if (operation !== "preview") {
    const missing = missingRunnerPrograms().map(
      ({ program, why, debianPackage }) => `  ${program} (${why}): apt-get install ${debianPackage}`,
    );
    if (missing.length > 0) throw new Error(`This machine lacks what \`${operation}\` needs:\n${missing.join("\n")}`);
    await removeStaleLocks(stack);
  }
  return runPulumi(stack, [operation, ...args]);
}
