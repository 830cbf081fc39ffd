import { table } from "../lib/table.ts";
import { megabytes } from "../lib/units.ts";
import { cacheOf, isCached } from "./cache.ts";
import { pinned, readLock } from "./lock-file.ts";

/** Says what the lock pins, and whether it is on this machine. Asks nobody and hashes nothing. */
export async function listArtifacts(project: string, say: (line: string) => void): Promise<void> {
  const cache = cacheOf(project);
  const rows = await Promise.all(
    pinned(await readLock(project), []).map(async ([name, artifact]) => {
      const files = Object.values(artifact.files ?? {});
      const here = await Promise.all([artifact, ...files].map((file) => isCached(cache, file)));
      return [
        name,
        artifact.version,
        artifact.released ?? "-",
        megabytes(artifact.bytes),
        here.every((each) => each) ? "yes" : "no",
        artifact.url ?? "(brought by hand)",
      ];
    }),
  );
  table([["ARTIFACT", "VERSION", "RELEASED", "SIZE", "HERE", "FROM"], ...rows], say);
}

/** Says what the lock knows of one artifact, and the files of an archive. */
export async function listFiles(project: string, name: string, say: (line: string) => void): Promise<void> {
  const cache = cacheOf(project);
  for (const [, artifact] of pinned(await readLock(project), [name])) {
    say(`${name} ${artifact.version}, SHA-256 ${artifact.sha256}`);
    const rows = await Promise.all(
      Object.entries(artifact.files ?? {}).map(async ([path, file]) => [
        path,
        megabytes(file.bytes),
        (await isCached(cache, file)) ? "yes" : "no",
        file.sha256,
      ]),
    );
    if (rows.length > 0) table([["FILE", "SIZE", "HERE", "SHA-256"], ...rows], say);
  }
}
