import { existsSync } from "node:fs";
import { imageName } from "../../images/name.ts";
import { machineArch } from "../../images/recipe.ts";
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
  const missing = [...new Set(site.hosts.map((host) => debianNames[host.arch]))].filter(
    (arch) => !existsSync(imageFolder(imageName(arch))),
  );
  const foreign = missing.find((arch) => arch !== machineArch());
  if (foreign !== undefined) {
    throw new Error(
      `The site has ${foreign} hosts, whose guest image is built on a machine that is ${foreign}: run \`npm run bramble -- image build\` ` +
        `on one, with the same checkout, and copy ${imageFolder(imageName(foreign))} from there to the same place here.`,
    );
  }
  return interruptible(async (signal) => {
    for (const arch of missing) await ensureImage({ arch, signal, say: console.log });
    return 0;
  });
}
