import { type Artifact, type ArtifactLock, lockPath, pin, printLock } from "../../formats/artifact-lock.ts";
import { table } from "../lib/table.ts";
import { megabytes } from "../lib/units.ts";
import { unpackSelection } from "./archive.ts";
import { cachedPath, cacheOf, withCache } from "./cache.ts";
import { failureOf } from "./failure.ts";
import { type KnownArtifact, known, type Release } from "./known.ts";
import { readLock, writeLock } from "./lock-file.ts";
import { obtainRelease } from "./obtain.ts";
import { type Show, sideBySide } from "./progress.ts";
import { type Mirrors, openUpstream } from "./upstream.ts";

export interface UpdateOptions {
  readonly project: string;
  /** Which; none: those in the lock that upstream is known for, or all known ones where the lock has none of them. */
  readonly names: readonly string[];
  /** Instead of the newest, for one artifact. */
  readonly version?: string | undefined;
  /** Only says what is newer. */
  readonly check?: boolean;
  readonly mirrors: Mirrors;
  readonly signal: AbortSignal;
  /** Shows no progress. */
  readonly quiet?: boolean;
  readonly say: (line: string) => void;
}

/** An artifact with its entry before and after; what failed has no change. */
interface Change {
  readonly name: string;
  readonly before: Artifact | undefined;
  readonly version: string;
  /** Missing when only asked. */
  readonly after?: Artifact;
}

/**
 * Pins what upstream publishes now, or the given version: downloads it, checks it against what its maker says, hashes
 * the files of archives and writes the lock. An artifact that fails keeps its entry.
 * @returns false when only asked, and something is newer
 * @throws Error that says for each artifact that failed why
 */
export async function updateArtifacts(options: UpdateOptions): Promise<boolean> {
  const { project, check = false, signal, quiet, say, version } = options;
  const cache = cacheOf(project);
  return withCache(cache, "bramble artifacts update", async () => {
    const lock = await readLock(project);
    const names = chosen(options.names, lock);
    if (version !== undefined && names.length !== 1) throw new Error("--version goes with the name of one artifact");
    const upstream = openUpstream(options.mirrors, signal);
    const jobs = names.map(([name, artifact]) => ({
      title: name,
      run: async (show: Show): Promise<Change> => {
        const before = lock.artifacts[name];
        const release = await artifact.release(upstream, version);
        if (check) return { name, before, version: release.version };
        const content = await obtainRelease(release, before, upstream, cache, show);
        const title = `${name} ${release.version}`;
        const unpacked =
          artifact.files && (await unpackSelection(cachedPath(cache, content), title, artifact.files, cache, signal));
        return { name, before, version: release.version, after: entry(release, before, content, unpacked?.files) };
      },
    }));
    const results = await sideBySide(jobs, quiet);
    const changes = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const next = changes.reduce((each, { name, after }) => (after === undefined ? each : pin(each, name, after)), lock);
    // What was finished before an interruption counts.
    const written = !check && printLock(next) !== printLock(lock);
    if (written) await writeLock(project, next);
    signal.throwIfAborted();
    describe(changes, say);
    const failure = failureOf(
      names.map(([name]) => name),
      results,
    );
    if (failure !== undefined) throw failure;
    if (written) say(`${lockPath} is written. Look at what changed in it, and commit it.`);
    return !check || changes.every(({ before, version: now }) => before?.version === now);
  });
}

function chosen(names: readonly string[], lock: ArtifactLock): readonly (readonly [string, KnownArtifact])[] {
  if (names.length === 0) {
    const pinned = [...known].filter(([name]) => Object.hasOwn(lock.artifacts, name));
    return pinned.length > 0 ? pinned : [...known];
  }
  return [...new Set(names)].map((name) => {
    const artifact = known.get(name);
    if (artifact !== undefined) return [name, artifact] as const;
    throw new Error(
      `Bramble does not know where ${name} is published; it knows ${[...known.keys()].join(", ")}. ` +
        `A file that you have is pinned by: npm run bramble -- artifacts add ${name} FILE --version VERSION`,
    );
  });
}

/** The same content under the same version stays as it was pinned, whichever address names it now. */
function entry(
  { version, released, url }: Release,
  before: Artifact | undefined,
  { sha256, bytes }: { sha256: string; bytes: number },
  files: Artifact["files"],
): Artifact {
  const same = before?.version === version && before.sha256 === sha256 ? before : undefined;
  const when = same?.released ?? released;
  return {
    version,
    ...(when === undefined ? {} : { released: when }),
    url: same?.url ?? url,
    sha256,
    bytes,
    ...(files === undefined ? {} : { files }),
  };
}

function describe(changes: readonly Change[], say: (line: string) => void): void {
  if (changes.length === 0) return;
  const rows = changes.map(({ name, before, version, after }) => [
    name,
    before?.version ?? "-",
    before?.version === version ? "the same" : version,
    after === undefined ? "" : megabytes(after.bytes),
    after?.released ?? "",
    after === undefined ? "" : `${after.sha256.slice(0, 12)}…`,
  ]);
  table([["ARTIFACT", "BEFORE", "NOW", "SIZE", "RELEASED", "SHA-256"], ...rows], say);
}
