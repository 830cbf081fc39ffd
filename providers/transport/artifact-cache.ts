import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { pipeline } from "node:stream/promises";

/** A file of the artifact cache whose bytes have this hash: it was checked. */
export interface Artifact {
  readonly path: string;
  readonly bytes: number;
}

/** Where `npm run bramble -- artifacts fetch` puts what it fetches, each file under its SHA-256. */
export function artifactFolder(workFolder: string): string {
  return join(workFolder, "artifacts");
}

const checked = new Map<string, Promise<Artifact>>();

/**
 * Finds an artifact in the cache of this project. Its hash is checked once in a process, at its first use.
 * @throws Error with what to do when it is not there or is damaged.
 */
export function findArtifact(sha256: string): Promise<Artifact> {
  const { BRAMBLE_WORK: workFolder } = env;
  if (workFolder === undefined)
    return Promise.reject(new Error("BRAMBLE_WORK is not set: run this by npm run up, preview or destroy"));
  const path = join(artifactFolder(workFolder), sha256);
  const known = checked.get(path);
  if (known !== undefined) return known;
  const finding = check(path, sha256);
  checked.set(path, finding);
  finding.catch(() => checked.delete(path)); // it may be there at the next try
  return finding;
}

/** The bytes of an artifact. @throws Error as {@link findArtifact}. */
export async function openArtifact(sha256: string): Promise<Buffer> {
  return readFile((await findArtifact(sha256)).path);
}

async function check(path: string, sha256: string): Promise<Artifact> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined)
    throw new Error(`the file with SHA-256 ${sha256} is not in the cache: run npm run bramble -- artifacts fetch`);
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  if (hash.digest("hex") === sha256) return { path, bytes: found.size };
  throw new Error(
    `${path} is damaged: its bytes do not have the hash that is its name, and nothing was published from it. ` +
      "Run npm run bramble -- artifacts fetch, which puts a right one in its place",
  );
}
