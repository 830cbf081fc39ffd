import { type ArtifactSet, filesOf, isBuilt, isSet } from "../../formats/artifact-lock.ts";
import { table } from "../lib/table.ts";
import { megabytes } from "../lib/units.ts";
import { type Cache, cacheOf, isCached } from "./cache.ts";
import { downloadOf, pinned, readLock } from "./lock-file.ts";

/** Says what the lock pins, and whether it is on this machine. Asks nobody and hashes nothing. */
export async function listArtifacts(project: string, say: (line: string) => void): Promise<void> {
  const cache = cacheOf(project);
  const rows = await Promise.all(
    pinned(await readLock(project), []).map(async ([name, artifact]) => {
      const here = await Promise.all(filesOf(artifact).map(({ file }) => isCached(cache, file)));
      return [
        name,
        artifact.version,
        artifact.released ?? "-",
        megabytes(downloadOf(artifact)),
        here.every((each) => each) ? "yes" : "no",
        artifact.url ?? (isBuilt(artifact) ? "(built here)" : "(brought by hand)"),
      ];
    }),
  );
  table([["ARTIFACT", "VERSION", "RELEASED", "SIZE", "HERE", "FROM"], ...rows], say);
}

/** Says what the lock knows of one artifact: the files of an archive, or the packages of a set. */
export async function listFiles(project: string, name: string, say: (line: string) => void): Promise<void> {
  const cache = cacheOf(project);
  for (const [, artifact] of pinned(await readLock(project), [name])) {
    if (isSet(artifact)) {
      await listPackages(name, artifact, cache, say);
      continue;
    }
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

async function listPackages(name: string, set: ArtifactSet, cache: Cache, say: (line: string) => void): Promise<void> {
  const packages = Object.entries(set.files).flatMap(([path, file]) => {
    const [, repository = "", title = "", version = ""] = /^([^/]+)\/.*?([^/]+)-(\d[^-]*-r\d+)\.apk$/.exec(path) ?? [];
    return title === "" ? [] : [{ repository, title, version, file }];
  });
  say(`${name} ${set.version}: ${packages.length} packages, for ${set.world.join(" ")}`);
  const rows = await Promise.all(
    packages.map(async ({ repository, title, version, file }) => [
      title,
      version,
      repository,
      megabytes(file.bytes),
      (await isCached(cache, file)) ? "yes" : "no",
    ]),
  );
  table(
    [["PACKAGE", "VERSION", "REPOSITORY", "SIZE", "HERE"], ...rows.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))],
    say,
  );
}
