import { stdout } from "node:process";
import { Command } from "commander";
import { chosenStack } from "../stack/chosen.ts";
import { checkFile, checkStack } from "./check.ts";
import { staleFiles, writeFiles } from "./generated.ts";

/** `bramble check`: whether a site file is right, in a second and without an engine or a host. */
export function checkCommand(): Command {
  return new Command("check")
    .description("say everything that is wrong with a site file, or what it describes; needs no engine and no host")
    .argument("[file]", "a site file, such as stacks/home.yaml")
    .option("-s, --stack <name>", "instead of a file: the site of this stack, with the overrides in its configuration")
    .option("--why", "also list where each VM runs, and why there")
    .action(async (file: string | undefined, options: { stack?: string; why?: boolean }) => {
      const why = options.why === true;
      const check = file === undefined ? await checkStack(chosenStack(options.stack), why) : await checkFile(file, why);
      stdout.write(check.text);
      if (!check.ok) process.exitCode = 1;
    });
}

/** `bramble schema`: the JSON Schema for editors and the reference page, both made from the schema in site/. */
export function schemaCommand(): Command {
  return new Command("schema")
    .description("make what is generated from the schema of site files: stacks/site.schema.json and docs/site.md")
    .option("--write", "write both files")
    .option("--check", "only say whether both are up to date")
    .action(async (options: { write?: boolean; check?: boolean }) => {
      if (options.write === true) await writeFiles();
      const stale = await staleFiles();
      if (stale.length === 0) {
        stdout.write("stacks/site.schema.json and docs/site.md are up to date.\n");
        return;
      }
      throw new Error(`Not up to date: ${stale.join(", ")}. Run: npm run bramble -- schema --write`);
    });
}
