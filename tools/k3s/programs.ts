import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { run, tryRun } from "../lib/run.ts";
import { buildGo, goEnvironment } from "../setup/build.ts";
import type { Workshop } from "../setup/workshop.ts";

/** The version that engine/k3s has the sources of. */
export const sourceVersion = "v1.35.0+k3s3";

/** The commit of those sources: the end of the version in engine/k3s/go.mod. */
const sourceCommit = "e69d18614fbf";
const k3s = "github.com/k3s-io/k3s";

/**
 * Compiles k3s from engine/k3s. Its release embeds manifests that its Go module has beside the sources, so that a copy
 * of the module with these in their place is compiled.
 * @param version what it says of itself
 * @throws Error with the compiler's first complaint, or that there is no C compiler, which its database needs
 */
export async function buildK3s(version: string, file: string, shop: Workshop): Promise<void> {
  await cCompiler(shop.signal);
  const go = await shop.go(shop.say);
  const folder = await shop.makeTemp("k3s-module");
  const env = goEnvironment(go.environment, folder);
  const module = `${shop.places.project}/engine/k3s`;
  shop.say("fetching the sources of k3s");
  const options = { env, signal: shop.signal, ownGroup: true };
  const { stdout } = await run([go.program, "mod", "download", "-json", k3s], { ...options, cwd: module });
  const { Dir: sources } = z.object({ Dir: z.string() }).parse(JSON.parse(stdout));
  await copySources(sources, `${folder}/k3s`);
  await copySources(`${sources}/manifests`, `${folder}/k3s/pkg/deploy/embed`);
  await rm(`${folder}/k3s/pkg/deploy/embed/.empty`, { force: true }); // stands in for manifests
  await writeFile(`${folder}/go.sum`, await readFile(`${module}/go.sum`));
  await writeFile(`${folder}/go.mod`, `${await readFile(`${module}/go.mod`, "utf8")}\nreplace ${k3s} => ./k3s\n`);
  const compiler = (await run([go.program, "env", "GOVERSION"], { ...options, cwd: folder })).stdout.trim();
  await buildGo(
    {
      module: "k3s",
      folder,
      cgo: true,
      package: `${k3s}/cmd/server`,
      tags: "ctrd,netcgo,osusergo,providerless,urfave_cli_no_docs,sqlite_omit_load_extension",
      variables: versionVariables(version, compiler),
    },
    file,
    shop,
  );
}

/** Compiles what containerd starts each pod with. */
export async function buildShim(file: string, shop: Workshop): Promise<void> {
  const shim = "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2";
  await buildGo({ module: "k3s", package: shim }, file, shop);
}

export async function buildCoredns(file: string, shop: Workshop): Promise<void> {
  await buildGo({ module: "coredns", package: "." }, file, shop);
}

/** Compiles the program of pods' sandboxes, which needs nothing of the container that it is in. */
export async function buildPause(file: string, { places, signal }: Workshop): Promise<void> {
  const compiler = await cCompiler(signal);
  const source = `${places.project}/engine/k3s/programs/pause.c`;
  await run([compiler, "-Os", "-static", "-s", "-o", file, source], { signal, ownGroup: true });
}

/** k3s stops at once where it does not know the compiler's version; nodes show gitVersion. */
function versionVariables(version: string, compiler: string): readonly string[] {
  const [, major = "", minor = ""] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  return [
    `${k3s}/pkg/version.Version=${version}`,
    `${k3s}/pkg/version.GitCommit=${sourceCommit.slice(0, 8)}`,
    `${k3s}/pkg/version.UpstreamGolang=${compiler}`,
    `k8s.io/component-base/version.gitVersion=${version}`,
    `k8s.io/component-base/version.gitMajor=${major}`,
    `k8s.io/component-base/version.gitMinor=${minor}`,
    `k8s.io/client-go/pkg/version.gitVersion=${version}`,
  ];
}

async function cCompiler(signal: AbortSignal): Promise<string> {
  const compiler = process.env.CC || "gcc";
  const found = await tryRun([compiler, "--version"], { signal }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found?.code === 0) return compiler;
  throw new Error(`no C compiler (${compiler}). Debian and Ubuntu: sudo apt-get install gcc libc6-dev`);
}

/** Go write-protects its module cache; the copy can be added to and removed. */
async function copySources(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = `${entry.parentPath}/${entry.name}`;
    const target = `${to}${source.slice(from.length)}`;
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
    await chmod(target, 0o644);
  }
}
