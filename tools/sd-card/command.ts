import { relative } from "node:path";
import { cwd, stdout } from "node:process";
import { Command, Option } from "commander";
import { type PiModel, piModels } from "../../formats/raspberry-pi.ts";
import { projectRoot, workFolder } from "../lib/paths.ts";
import { chosenStack } from "../stack/chosen.ts";
import { siteOf } from "../stack/stacks.ts";
import { makeCard } from "./card.ts";
import { writeFolder } from "./folder.ts";
import { writeImage } from "./image.ts";
import { steps } from "./readme.ts";
import { cardForBoard, cardForModel, type WantedCard } from "./wanted.ts";

interface Options {
  readonly stack?: string;
  readonly model?: PiModel;
  readonly out?: string;
  readonly image?: string;
}

const help = `
A Raspberry Pi from the factory does not try the network. This writes what is to be on an SD card that changes its
bootloader's settings to those of the site file, once; from then on the board takes changes from the boot server.
The bootloader itself comes from stacks/artifacts.lock.json.

Examples:
  npm run bramble -- sd-card --stack home pi1             files for pi1, in .bramble/sd-card/pi1
  npm run bramble -- sd-card --stack home pi1 pi2         a folder for each
  npm run bramble -- sd-card --stack home --model pi5     one card for every Pi 5, in .bramble/sd-card/all-pi5
  npm run bramble -- sd-card --stack home --model pi5 --out /media/me/CARD
  npm run bramble -- sd-card --stack home pi1 --image pi1.img     also an image, to write with dd or an imager

It asks no host and writes to no device. Images are made with mtools.`;

/** `bramble sd-card`: what makes a factory board boot over the network. */
export function sdCardCommand(): Command {
  return new Command("sd-card")
    .description("write the one-time SD card that makes a factory board boot over the network")
    .argument("[boards...]", "for these boards of the site")
    .option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)")
    .addOption(
      new Option("--model <model>", "instead of boards: one card for all of this model").choices(Object.keys(piModels)),
    )
    .option("--out <folder>", "for one card: write its files here instead")
    .option("--image <file>", "for one card: make an image of it too")
    .addHelpText("after", help)
    .action(async (boards: string[], options: Options, command: Command) => {
      if ((boards.length === 0) === (options.model === undefined))
        command.error("error: name the boards, or give --model MODEL (--help shows examples)");
      if (boards.length > 1 && (options.out ?? options.image) !== undefined)
        command.error("error: --out and --image go with one card; run the command once for each board");
      await writeCards(chosenStack(options.stack), boards, options);
    });
}

async function writeCards(stack: string, boards: readonly string[], { model, out, image }: Options): Promise<void> {
  const site = await siteOf(stack);
  const wanted = model === undefined ? boards.map((name) => cardForBoard(site, name)) : [cardForModel(site, model)];
  // All of them are made before any is written, so that a mistake in one leaves nothing half done.
  const cards = await Promise.all(wanted.map((each) => makeCard(projectRoot, each)));
  for (const card of cards) {
    const folder = out ?? `${workFolder}/sd-card/${card.wanted.name}`;
    await writeFolder(folder, card);
    if (image !== undefined) await writeImage(image, card);
    const names = Object.keys(card.files).join(", ");
    stdout.write(`${shown(folder)}: ${names}; bootloader ${card.version}.\n${advice(card.wanted, folder, image)}\n`);
  }
}

function advice(wanted: WantedCard, folder: string, image: string | undefined): string {
  const copy = `Copy the files in ${shown(folder)} onto an SD card: its first partition, FAT32, smaller than 32 GB.`;
  if (image === undefined) return steps(wanted, copy);
  return steps(
    wanted,
    `Write ${shown(image)} to an SD card with an imager, or with
  sudo dd if=${shown(image)} of=/dev/sdX bs=4M conv=fsync      (sdX: see lsblk; everything on it is lost)`,
  );
}

/** A path as seen from the current folder. */
function shown(path: string): string {
  return relative(cwd(), path) || ".";
}
