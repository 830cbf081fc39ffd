import { existsSync } from "node:fs";
import { imageTypes } from "../../components/guest-image.ts";
import { imageName } from "../../images/name.ts";
import { type Arch, machineArch, type Recipe, recipeOf } from "../../images/recipe.ts";
import type { Site } from "../../site/model.ts";
import { ensureImage } from "../image/ensure.ts";
import { imageFolder } from "../image/folder.ts";
import { interruptible } from "../lib/interruption.ts";
import { siteOf } from "./stacks.ts";

const debianNames = { x86_64: "amd64", aarch64: "arm64" } as const;

/**
 * Builds the guest images that the site's hosts need and this machine does not have yet; the exit code, 0 if all are
 * there. @throws Error for an image that can only be built on another kind of machine.
 */
export async function ensureImages(stack: string): Promise<number> {
  const site = await siteOf(stack);
  const missing = wantedImages(site).filter(({ arch, recipe }) => !existsSync(imageFolder(imageName(arch, recipe))));
  const foreign = missing.find(({ arch }) => arch !== machineArch());
  if (foreign !== undefined) {
    throw new Error(
      `The site has ${foreign.arch} hosts, whose guest image is built on a machine that is ${foreign.arch}: run ` +
        `\`npm run bramble -- image build ${foreign.recipe.name}\` on one, with the same checkout, and copy ` +
        `${imageFolder(imageName(foreign.arch, foreign.recipe))} from there to the same place here.`,
    );
  }
  return interruptible(async (signal) => {
    for (const { arch, recipe } of missing) await ensureImage({ arch, recipe, signal, say: console.log });
    return 0;
  });
}

/** One for each architecture and type of cluster that a host has an image for. */
function wantedImages(site: Site): readonly { arch: Arch; recipe: Recipe }[] {
  const wanted = site.hosts.flatMap((host) =>
    imageTypes(site, host).map((type) => ({ arch: debianNames[host.arch], recipe: recipeOf[type] })),
  );
  return [...new Map(wanted.map((image) => [imageName(image.arch, image.recipe), image])).values()];
}
