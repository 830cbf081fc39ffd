import { mkdtemp, rm } from "node:fs/promises";
import { cachedPath, cacheOf } from "../../tools/artifacts/cache.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { run } from "../../tools/lib/run.ts";
import { ensureTestK3s } from "./shared-releases.ts";

/** The real k3s, got where it is not there yet and unpacked. Removed by who asked for it. */
export async function k3sPrograms(): Promise<{ readonly bin: string; remove(): Promise<void> }> {
  const pinned = await ensureTestK3s();
  const folder = await mkdtemp("/var/tmp/bramble-k3s-");
  await run(["tar", "--extract", "--file", cachedPath(cacheOf(projectRoot), pinned), "--directory", folder, "bin"]);
  return { bin: `${folder}/bin`, remove: () => rm(folder, { recursive: true }) };
}
