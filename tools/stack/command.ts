import { existsSync } from "node:fs";
import { stderr } from "node:process";
import { Command } from "commander";
import { requireRunnerPrograms } from "../setup/programs.ts";
import { engineReady } from "../setup/setup.ts";
import { checkStack } from "../site/check.ts";
import { noStack } from "./advice.ts";
import { chosenStack, stackFile } from "./chosen.ts";
import { exportedState } from "./exported-state.ts";
import { dropPendingOperations } from "./pending.ts";
import { refuseUnseenLoss } from "./protected.ts";
import { EngineError, runPulumi } from "./pulumi.ts";
import { refuseDuringRollout } from "./rollout-lock.ts";
import { storedSecret } from "./stacks.ts";
import { freeStateLock } from "./state-lock.ts";

const operations = {
  preview: {
    what: "show what `up` would do; changes nothing and needs no host",
    examples: [
      "--stack home            what would change, a line each",
      "--stack home --diff     with every setting and every line of text",
    ],
  },
  up: {
    what: "make the site as its file says, after showing what that means",
    examples: [
      "--stack home            show the plan, ask, do it",
      "--stack home --yes      without asking, for scripts",
      "",
      "Exit code 4: all is done, and boards are off that are to boot some of it. 5: all is done, and boards are degraded.",
    ],
  },
  refresh: {
    what: "look at what is really there and take it into the state",
    examples: ["--stack home --preview-only   only show what differs"],
  },
  destroy: {
    what: "take down what the stack made; data disks that are not disposable refuse",
    examples: ["--stack home            show what goes, ask, do it"],
  },
} as const;
export type Operation = keyof typeof operations;

/** `bramble up`, `preview`, `refresh` and `destroy`: the engine's own commands, with everything they need in place. */
export function stackCommand(operation: Operation): Command {
  const { what, examples } = operations[operation];
  const command = new Command(operation)
    .description(what)
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .allowUnknownOption()
    .argument("[pulumi-options...]", `anything that \`pulumi ${operation}\` takes, such as --target or --json`)
    .action(async (rest: string[], options: { stack?: string }) => {
      process.exitCode = await operate(operation, chosenStack(options.stack), rest);
    });
  const script = `  npm run ${operation} -- `;
  return command.addHelpText(
    "after",
    ["\nExamples:", ...examples.map((example) => (example.startsWith("-") ? script + example : example))].join("\n"),
  );
}

/**
 * Runs one of the engine's operations on a stack and gives its exit code: 0, 1, 130 when it was interrupted, or
 * those of tools/stack/boards.ts when all was done and boards are not as they should be. What is wrong with the site file is said before the engine
 * starts, which would say it too, with more around it.
 * @throws Error when there is no such stack, the engine is not set up, this machine lacks a program that the operation
 * needs, another run is at work on the stack, or it would go without a preview while it has disks with data.
 */
export async function operate(operation: Operation, stack: string, args: readonly string[]): Promise<number> {
  if (!existsSync(stackFile(stack))) throw new Error(noStack(stack));
  const { text, ok } = await checkStack(stack, false);
  if (!ok) {
    stderr.write(text);
    return 1;
  }
  await engineReady();
  if (operation !== "preview") {
    requireRunnerPrograms();
    await freeStateLock(stack);
    await refuseDuringRollout(stack);
  }
  if (operation === "up") {
    const { ensureImages } = await import("./images.ts");
    const { ensureBootFiles } = await import("./boot-files.ts");
    const { ensureReleases } = await import("./k3s.ts");
    const code = (await ensureImages(stack)) || (await ensureReleases(stack)) || (await ensureBootFiles(stack));
    if (code !== 0) return code;
  }
  try {
    if (operation !== "preview") {
      const state = await exportedState(stack);
      if (operation === "destroy") refuseUnseenLoss(stack, state, args);
      await dropPendingOperations(stack, state);
    }
    const code = await runPulumi(stack, [operation, ...args, ...wholeDiff(operation, args)]);
    // The engine's word on a passphrase or a state that it can't find is short; asked again, it comes with advice.
    if (code === 1) await storedSecret(stack);
    if (code !== 0 || operation !== "up") return code;
    return await (await import("./boards.ts")).sayOfBoards(stack, console.log);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** The engine cuts texts after three lines, and a reviewer wants to see all of slurm.conf. */
function wholeDiff(operation: Operation, args: readonly string[]): readonly string[] {
  return args.includes("--diff") && operation !== "refresh" ? ["--show-full-output"] : [];
}
