import { createHash } from "node:crypto";
import { type ArtifactLock, lockedFiles } from "../formats/artifact-lock.ts";
import type { BootServer } from "../site/model.ts";

/** A folder that boards fetch from by HTTP once their kernel runs; all that is in it is pinned. */
export interface HttpTree {
  /** Its name below the HTTP root. */
  readonly name: string;
  readonly generation: string;
  /** SHA-256 by path below the generation's folder. */
  readonly blobs: Readonly<Record<string, string>>;
}

/** Where boards find a generation of a tree; without a slash at the end. */
export function httpTreeUrl(server: BootServer, { name, generation }: HttpTree): string {
  return `${httpUrl(server)}/${name}/${generation}`;
}

/** The root of what the boot server has for boards. */
export function httpUrl({ address, httpPort }: BootServer): string {
  return `http://${address}:${httpPort}`;
}

/** The kernel modules, under the name that their signature is for. */
export function systemTree({ system }: BootServer, lock: ArtifactLock): HttpTree {
  const files = Object.entries(lockedFiles(lock, system)).filter(([path]) => path === "boot/modloop-rpi");
  return httpTree(
    "system",
    files.map(([, { sha256 }]) => ["modloop-rpi", sha256]),
  );
}

/** Alpine's repositories as the lock has them: signed indexes, and of the packages those that boards take. */
export function packageTree({ packages }: BootServer, lock: ArtifactLock): HttpTree {
  return httpTree(
    "packages",
    Object.entries(lockedFiles(lock, packages)).map(([path, { sha256 }]) => [path, sha256]),
  );
}

/** The repositories in a package tree, as the kernel parameter alpine_repo names them. */
export function repositories(server: BootServer, tree: HttpTree): string {
  const url = httpTreeUrl(server, tree);
  const names = Object.keys(tree.blobs).flatMap((path) => /^(\w+)\/[^/]+\/APKINDEX\.tar\.gz$/.exec(path)?.[1] ?? []);
  return names
    .sort((a, b) => Number(b === "main") - Number(a === "main"))
    .map((name) => `${url}/${name}`)
    .join(",");
}

function httpTree(name: string, files: readonly (readonly [path: string, sha256: string])[]): HttpTree {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const generation = createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
  return { name, generation, blobs: Object.fromEntries(sorted) };
}
