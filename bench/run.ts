import { stdout } from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { imageFigures } from "./image.ts";
import { labFigures } from "./lab.ts";
import { machine } from "./machine.ts";
import { setupFigures } from "./setup.ts";
import { siteFigures } from "./site-figures.ts";
import { type Figure, table } from "./table.ts";

interface Options {
  readonly runs: number;
  readonly lab: boolean;
  readonly image: boolean;
}

await new Command("npm run bench --")
  .description("Prints the project's figures beside their targets, as a Markdown table. A missed target is no error.")
  .option("--runs <count>", "measure each so often; the table shows the median", parseRuns, 3)
  .option("--lab", "make the lab and take it away, as often; one that is there is left, and measured as it is", false)
  .option("--image", "build the guest image again, as often; else the last build's own record is shown", false)
  .action(bench)
  .parseAsync();

async function bench({ runs, lab, image }: Options): Promise<void> {
  const where = machine();
  const figures: Figure[] = [
    ...(await setupFigures(runs)),
    ...(await labFigures(runs, lab)),
    ...(await siteFigures(runs)),
    ...(await imageFigures(runs, image)),
  ];
  stdout.write(`\n${where}\n\n${table(figures)}`);
}

function parseRuns(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("It is a whole number from 1.");
}
