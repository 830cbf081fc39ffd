import { arch as machine } from "node:process";
import { type Artifact, type Bundle, isBuilt, isReleased, updateCommand } from "../../formats/artifact-lock.ts";
import { type K3sArch, k3sArtifact } from "../../formats/k3s-bundle.ts";
import { type Cache, isCached } from "../artifacts/cache.ts";
import { sideBySide } from "../artifacts/progress.ts";
import type { Upstream } from "../artifacts/upstream.ts";
import { AnswerError, UnreachableError } from "../lib/download.ts";
import { buildBundle, buildInputs } from "./build.ts";
import { sourceVersion } from "./programs.ts";
import { obtainReleasedK3s, type PublishedK3s, publishedK3s } from "./release.ts";

export interface ObtainOptions {
  readonly project: string;
  readonly version: string;
  readonly arch: K3sArch;
  /** What the lock has under its name. */
  readonly pinned: Artifact | undefined;
  readonly upstream: Upstream;
  readonly cache: Cache;
  readonly signal: AbortSignal;
  readonly quiet?: boolean | undefined;
  readonly say: (line: string) => void;
}

/**
 * A k3s in the cache: its makers' release, or where their server can't be reached, one that is built here.
 * @throws Error that names what would work
 */
export async function obtainK3s(options: ObtainOptions): Promise<Bundle> {
  const { version, arch, pinned, quiet, signal } = options;
  const published = await publishedOrNot(options);
  if (published instanceof Error) return obtainBuilt(options, published);
  const before = pinned !== undefined && isReleased(pinned) ? pinned : undefined;
  const title = k3sArtifact(version, arch);
  const [result] = await sideBySide(
    [{ title, run: (show) => obtainReleasedK3s(published, arch, before, options, show) }],
    quiet,
  );
  signal.throwIfAborted();
  if (result?.status === "fulfilled") return result.value;
  throw result?.reason;
}

/** This machine's architecture as sites call it. */
export function machineK3sArch(): K3sArch {
  return machine === "arm64" ? "aarch64" : "x86_64";
}

/** Why it can't be downloaded, where the server does not answer, or a proxy answers in its place. */
async function publishedOrNot({ version, arch, upstream, signal }: ObtainOptions): Promise<PublishedK3s | Error> {
  try {
    return await publishedK3s(version, arch, upstream);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UnreachableError || error instanceof AnswerError) return error;
    throw error;
  }
}

async function obtainBuilt(options: ObtainOptions, why: Error): Promise<Bundle> {
  const { project, version, arch, pinned, cache, say } = options;
  const buildable = k3sArtifact(sourceVersion, machineK3sArch());
  const name = k3sArtifact(version, arch);
  if (name !== buildable) {
    throw new Error(
      `${name} can't be downloaded: ${why.message}. Without a download, only ${buildable} can be had on this machine, ` +
        `which builds it: ${updateCommand(buildable)}`,
    );
  }
  const before = pinned !== undefined && isBuilt(pinned) ? pinned : undefined;
  const inputs = await buildInputs(project, version);
  if (before?.inputs === inputs && (await isCached(cache, before))) return before;
  say(`${why.message}, so k3s is built here, once. On two cores that takes about 10 minutes.`);
  return buildBundle(options);
}
