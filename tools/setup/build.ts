import { existsSync } from "node:fs";
import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { env } from "node:process";
import { RunError, run } from "../lib/run.ts";
import { cacheSpace, type GoCompiler } from "./go.ts";
import type { Workshop } from "./workshop.ts";

/** One program that is built from a Go module of the project. */
export interface GoBuild {
  /** The module's folder under engine/. */
  module: string;
  /** The package to build: its import path, or "." for the module's own. */
  package: string;
  tags?: string;
  /** Linker settings of form variable=value; a program that does not know its version is refused by others. */
  variables?: readonly string[];
  /** Where the module lies, when it is not engine/ itself but a completed copy of it. */
  folder?: string;
  /** With C, for which this machine needs a C compiler. */
  cgo?: boolean;
}

/** What compiling needs for its temporary files and results, in bytes. */
const buildSpace = 1024 ** 3;

/**
 * Builds one program into `file`, when its turn comes. The module's go.mod and go.sum are only read.
 * @throws Error with the compiler's first complaint; all of it is then in .bramble/engine/<module>-build.log
 */
export async function buildGo(build: GoBuild, file: string, shop: Workshop): Promise<void> {
  const go = await shop.go(shop.say);
  const log = `${shop.places.engine}/${build.module}-build.log`;
  const flags = ["-s", "-w", ...(build.variables ?? []).flatMap((variable) => ["-X", variable])];
  const options = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", flags.join(" "), "-o", file];
  const tags = build.tags === undefined ? [] : ["-tags", build.tags];
  const compile = async () => {
    shop.signal.throwIfAborted();
    await checkSpace(shop.places.work, go);
    const temp = await shop.makeTemp("go-build");
    await mkdir(dirname(file), { recursive: true });
    shop.say(`compiling engine/${build.module} with ${go.from}`);
    try {
      await run([go.program, "build", ...options, ...tags, build.package], {
        cwd: build.folder ?? `${shop.places.project}/engine/${build.module}`,
        env: { ...goEnvironment(go.environment, temp), CGO_ENABLED: build.cgo === true ? "1" : "0" },
        signal: shop.signal,
        ownGroup: true,
      });
      await rm(log, { force: true });
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      await writeFile(log, error.result.stderr);
      throw new Error(`engine/${build.module} does not compile: ${firstComplaint(error.result.stderr)} (see ${log})`);
    }
  };
  await shop.inTurn(compile, () => shop.say(`engine/${build.module} waits for its turn to be compiled`));
}

/**
 * What every `go` is started with, so that it builds for this machine and leaves nothing outside of `temp`. Collecting
 * garbage less often (GOGC, 100 by itself) takes a fifth off the processor time of compiling; its peak of memory is the
 * linker's, and stays (bench/RESULTS.md).
 */
export function goEnvironment(compiler: NodeJS.ProcessEnv, temp: string): NodeJS.ProcessEnv {
  const { GOOS: _os, GOARCH: _arch, ...base } = env; // somebody's cross-compiling is not meant for the engine
  return { GOGC: "400", ...base, GOWORK: "off", GOTMPDIR: temp, ...compiler };
}

/** Running out of disk after minutes would be a poor way to learn of it. */
async function checkSpace(folder: string, go: GoCompiler): Promise<void> {
  const ownCache = go.environment.GOCACHE;
  const needed = buildSpace + (ownCache !== undefined && !existsSync(ownCache) ? cacheSpace : 0);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const [mebibytes, wanted] = [free, needed].map((bytes) => Math.round(bytes / 1024 ** 2));
  throw new Error(`${mebibytes} MiB are free below ${folder}, and compiling needs ${wanted} MiB`);
}

function firstComplaint(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !/^(#|go: downloading )/.test(line));
  return lines[0]?.trim() ?? "the compiler says nothing";
}
