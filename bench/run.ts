import { stdout } from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { apkClosureFigures } from "./apk-closure.ts";
import { apkovlFigures } from "./apkovl.ts";
import { boardSeedFigures } from "./board-seed.ts";
import { eepromFigures } from "./eeprom.ts";
import { imageFigures } from "./image.ts";
import { k3sFigures } from "./k3s.ts";
import { labFigures } from "./lab.ts";
import { machine } from "./machine.ts";
import { previewFigures } from "./previews.ts";
import { setupFigures } from "./setup.ts";
import { siteFigures } from "./site-figures.ts";
import { type Figure, table } from "./table.ts";
import { treeFigures } from "./tree.ts";

interface Options {
  readonly runs: number;
  readonly lab: boolean;
  readonly k3s: boolean;
  readonly image: boolean;
  readonly trees: boolean;
  readonly previews: boolean;
}

await new Command("npm run bench --")
  .description("Prints the project's figures beside their targets, as a Markdown table. A missed target is no error.")
  .option("--runs <count>", "measure each so often; the table shows the median", parseRuns, 3)
  .option("--lab", "make the lab and take it away, as often; one that is there is left, and measured as it is", false)
  .option("--k3s", "start a k3s server and an agent in VMs, as root, some 7 min each time", false)
  .option("--image", "build the guest image again, as often; else the last build's own record is shown", false)
  .option("--trees", "publish 1,000 boards' folders beside rsync, as root, with 3 GB of disk", false)
  .option("--previews", "preview sites of up to 1,000 boards with the real engine, some minutes", false)
  .action(bench)
  .parseAsync();

async function bench({ runs, lab, k3s, image, trees, previews }: Options): Promise<void> {
  const where = machine();
  const figures: Figure[] = [
    ...(await setupFigures(runs)),
    ...(await labFigures(runs, lab)),
    ...(k3s ? await k3sFigures(runs) : []),
    ...(await siteFigures(runs)),
    ...(await imageFigures(runs, image)),
    ...eepromFigures(runs),
    ...(await apkClosureFigures(runs)),
    ...(await apkovlFigures(runs)),
    ...boardSeedFigures(runs),
    ...(trees ? await treeFigures(runs) : []),
    ...(previews ? await previewFigures(runs) : []),
  ];
  stdout.write(`\n${where}\n\n${table(figures)}`);
}

function parseRuns(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("It is a whole number from 1.");
}
