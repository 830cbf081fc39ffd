import { stdout } from "node:process";
import { Command, Option } from "commander";
import { architectures, recipeNamed, recipes, slurmNode } from "../../images/recipe.ts";
import { interruptible } from "../lib/interruption.ts";

/** `bramble image`: build, renew, list and clean the guest images. */
export function imageCommand(): Command {
  const command = new Command("image").description("the guest image that virtual machines start from");
  const mirrorOption = () =>
    new Option("--mirror <address>", "Debian mirror to take packages from").env("BRAMBLE_DEBIAN_MIRROR");

  command
    .command("build")
    .description("builds the image, if it is not there yet")
    .argument("[name]", "which image", slurmNode.name)
    .option("--again", "also when it is there")
    .addOption(mirrorOption())
    .action((name: string, options: { again?: boolean; mirror?: string }) =>
      ended(async (signal) => {
        const { ensureImage } = await import("./ensure.ts");
        const recipe = recipeNamed(name);
        const image = await ensureImage({ recipe, again: options.again === true, mirror: options.mirror, signal, say });
        say(image.folder);
      }),
    );

  command
    .command("renew")
    .description("pins the packages that the mirror has now; machines are replaced at the next `up`")
    .argument("[name]", "which image; left out: all of them")
    .addOption(mirrorOption())
    .action((name: string | undefined, options: { mirror?: string }) =>
      ended(async (signal) => {
        const [{ renewManifest }, { describeChange }] = await Promise.all([
          import("./renew.ts"),
          import("./manifest.ts"),
        ]);
        for (const recipe of name === undefined ? recipes : [recipeNamed(name)]) {
          for (const arch of architectures) {
            const changes = await renewManifest(recipe, arch, { mirror: options.mirror, signal });
            const what = changes.length === 0 ? "nothing is newer" : `${changes.length} packages changed`;
            say(`${recipe.name} ${arch}: ${what}`);
            for (const change of changes) say(`  ${describeChange(change)}`);
          }
        }
      }),
    );

  command
    .command("list")
    .description("shows the images on this machine")
    .action(async () => {
      const { listImages } = await import("./ensure.ts");
      const current = await currentNames();
      for (const image of await listImages()) {
        const size = `${Math.round(image.files["disk.qcow2"].bytes / 1e6)} MB`;
        say(
          `${image.name}  ${size}  built ${image.built.slice(0, 10)}${current.includes(image.name) ? "" : "  (old)"}`,
        );
      }
    });

  command
    .command("clean")
    .description("removes images that are no longer current; machines that run on them keep their own copy")
    .option("--all", "the current ones too")
    .action(async (options: { all?: boolean }) => {
      const { cleanImages } = await import("./ensure.ts");
      for (const name of await cleanImages(options.all === true, await currentNames())) say(`removed ${name}`);
    });

  return command;
}

async function currentNames(): Promise<readonly string[]> {
  const { imageName } = await import("../../images/name.ts");
  return recipes.flatMap((recipe) => architectures.map((arch) => imageName(arch, recipe)));
}

async function ended(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  process.exitCode = await interruptible(async (signal) => {
    await work(signal);
    return 0;
  });
}

function say(line: string): void {
  stdout.write(`${line}\n`);
}
