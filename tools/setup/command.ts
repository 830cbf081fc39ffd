import { Command, InvalidArgumentError } from "commander";
import { interruptible } from "../lib/interruption.ts";
import { clock } from "./estimate.ts";
import { describeMissingPrograms, missingRunnerPrograms } from "./programs.ts";
import type { How } from "./record.ts";
import { type SetupReport, setup } from "./setup.ts";

export { envCommand } from "./env.ts";

const help = `
Bramble runs on Pulumi. This installs Pulumi, its plugins and the libvirt provider into .bramble/engine of this
project, which git ignores; nothing else on the machine is changed, your own ~/.pulumi is only read.

Each piece comes from the first of these that works:
  found       the machine has it: \`pulumi\` 3.200 or newer on PATH, plugins in ~/.pulumi
  downloaded  its makers' build, checked against their SHA-256; an address that does not answer is given up in seconds
  built       from the Go modules in engine/. Without a Go compiler, one is fetched into .bramble/engine/go

The libvirt provider is always built from engine/libvirt: it connects to a host only when something changes there.
With nothing to do, this takes a moment, so scripts may call it each time. Ctrl-C leaves nothing half-installed, and
what was finished is not done again. To begin anew, delete .bramble/engine. Where Go had to be fetched, it keeps up to
7 GB of modules and compiled packages in .bramble/cache/go, which only make a later set-up quicker.

Examples:
  npm run setup
  npm run setup -- --from built      build everything here, whatever the machine has
  npm run setup -- --stock-libvirt   take the makers' libvirt provider`;

const stockWarning = `Note: the stock libvirt provider connects to every host of the site in every preview and up. One host that
does not answer makes them fail, and a preview works only where all hosts can be reached.
\`npm run setup -- --no-stock-libvirt\` goes back to the provider of this project.`;

/** `bramble setup`. */
export function setupCommand(): Command {
  return new Command("setup")
    .description("install Pulumi, its plugins and the libvirt provider into .bramble/engine")
    .option("--from <way>", "get all pieces in one way: found, downloaded or built", parseHow)
    .option("--stock-libvirt", "use the makers' libvirt provider, which connects in every preview")
    .option("--no-stock-libvirt", "go back to the project's libvirt provider, which connects late")
    .addHelpText("after", help)
    .action(async ({ from, stockLibvirt }: { from?: How; stockLibvirt?: boolean }) => {
      process.exitCode = await interruptible(async (signal) => {
        report(await setup({ from, stockLibvirt, signal, say: print }));
        return 0;
      });
    });
}

function report({ changed, pieces, seconds, stockLibvirt }: SetupReport): void {
  if (changed) {
    for (const { title, how, from } of pieces) print(`  ${title}: ${how}, ${from}`);
    print(`The engine is ready; this took ${clock(seconds)}.`);
  } else {
    print(`The engine is complete: ${pieces.map(({ title }) => title).join(", ")}. Nothing to do.`);
  }
  if (stockLibvirt) print(stockWarning);
  const missing = missingRunnerPrograms();
  if (missing.length > 0) print(describeMissingPrograms(missing));
}

function parseHow(value: string): How {
  if (value === "found" || value === "downloaded" || value === "built") return value;
  throw new InvalidArgumentError("Choose found, downloaded or built.");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
