import { stdout } from "node:process";
import { Command } from "commander";
import { chosenStack } from "../stack/chosen.ts";
import { checkFiles, checkStack } from "./check.ts";
import { generatedFiles, staleFiles, writeFiles } from "./generated.ts";

/** `bramble check`: whether a site file is right, in a second and without an engine or a host. */
export function checkCommand(): Command {
  return new Command("check")
    .description("say everything that is wrong with site files, or what they describe; needs no engine and no host")
    .argument("[files...]", "site files, such as stacks/home.yaml; sites that are based on one of them are checked too")
    .option("-s, --stack <name>", "instead of a file: the site of this stack, with the overrides in its configuration")
    .option("--why", "also list where each VM runs, and why there")
    .addHelpText("after", exitCodes)
    .action(async (files: readonly string[], options: { stack?: string; why?: boolean }) => {
      const why = options.why === true;
      const check =
        files.length === 0 ? await checkStack(chosenStack(options.stack), why) : await checkFiles(files, why);
      stdout.write(check.text);
      if (!check.ok) process.exitCode = 1;
    });
}

const exitCodes = `
One line for each problem: FILE:LINE:COLUMN  RULE  what is wrong; the next line says what would be right.
Exit codes: 0 all of them are right, also with something worth a look; 1 something is wrong; 2 wrong use.
docs/environments.md says how editors and pre-commit call it.`;

/** `bramble schema`: the JSON Schema for editors and the reference page, both made from the schema in site/. */
export function schemaCommand(): Command {
  return new Command("schema")
    .description(
      "make what is generated from the schemas: two files for editors in stacks/, docs/site.md and docs/plan.schema.json",
    )
    .option("--write", "write these files")
    .option("--check", "only say whether they are up to date")
    .action(async (options: { write?: boolean; check?: boolean }) => {
      if (options.write === true) await writeFiles();
      const stale = await staleFiles();
      if (stale.length === 0) {
        stdout.write(`${[...generatedFiles().keys()].join(", ")}: up to date.\n`);
        return;
      }
      throw new Error(`Not up to date: ${stale.join(", ")}. Run: npm run bramble -- schema --write`);
    });
}
