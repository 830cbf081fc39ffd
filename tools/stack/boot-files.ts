import { piModels } from "../../formats/raspberry-pi.ts";
import type { Site } from "../../site/model.ts";
import { fetchArtifacts } from "../artifacts/fetch.ts";
import { mirrorsFrom } from "../artifacts/upstream.ts";
import { interruptible } from "../lib/interruption.ts";
import { projectRoot } from "../lib/paths.ts";
import { siteOf } from "./stacks.ts";

/**
 * Downloads what the site's boards boot from, as the lock pins it, and this machine does not have yet; the exit code, 0
 * if all is there. @throws Error for what is not pinned, or can't be had.
 */
export async function ensureBootFiles(stack: string): Promise<number> {
  const names = artifactsOf(await siteOf(stack));
  if (names.length === 0) return 0;
  return interruptible(async (signal) => {
    await fetchArtifacts({ project: projectRoot, names, mirrors: mirrorsFrom(process.env), signal, say: () => {} });
    return 0;
  });
}

/** What a site's boards need: a system, its packages, and a bootloader for each chip whose bootloader is managed. */
function artifactsOf({ boot }: Site): readonly string[] {
  if (boot === undefined || boot.boards.length === 0) return [];
  const managed = boot.boards.filter(({ bootloader }) => bootloader !== undefined);
  const { system, packages } = boot.server;
  return [system, packages, ...new Set(managed.map(({ model }) => `pi-eeprom-${piModels[model].chip}`))];
}
