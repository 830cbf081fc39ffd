import { arch, platform } from "node:process";
import { projectRoot } from "../lib/paths.ts";

/** Where the engine and what it needs lie in one project folder. */
export interface Places {
  project: string;
  /** Everything Bramble makes for itself (ignored by git). */
  work: string;
  /** What `bramble setup` installs: bin/, home/, go/, engine.json. */
  engine: string;
  /** One folder for PATH: pulumi and its language host. */
  bin: string;
  /** PULUMI_HOME: the plugins. The user's own ~/.pulumi is never written. */
  home: string;
  /** The stacks' state, unless the user has a backend. */
  state: string;
}

/** The places of a project folder, by default of the one that this file is part of. */
export function placesOf(project: string = projectRoot): Places {
  const work = `${project}/.bramble`;
  const engine = `${work}/engine`;
  return { project, work, engine, bin: `${engine}/bin`, home: `${engine}/home`, state: `${work}/state` };
}

/** This machine in the words of Go, and of the archive names of Pulumi. */
export interface Machine {
  os: "linux" | "darwin";
  goArch: "amd64" | "arm64";
  pulumiArch: "x64" | "arm64";
}

/**
 * This machine's system and architecture.
 * @throws Error on machines for which no piece of the engine exists.
 */
export function thisMachine(): Machine {
  const os = platform;
  if ((os !== "linux" && os !== "darwin") || (arch !== "x64" && arch !== "arm64")) {
    throw new Error(
      `There is no engine for ${os} on ${arch}. Run Bramble on Linux (amd64 or arm64), ` +
        "or on macOS for check and preview; on Windows, use WSL 2.",
    );
  }
  return { os, goArch: arch === "x64" ? "amd64" : "arm64", pulumiArch: arch };
}
