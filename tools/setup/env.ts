import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { parse } from "yaml";
import { type Places, placesOf } from "./places.ts";
import { readRecord } from "./record.ts";

/**
 * The environment in which `pulumi` runs with Bramble's engine: `base`, with the engine and the project's Node in
 * front of PATH and Pulumi's settings added. A PULUMI_BACKEND_URL in `base` is kept, and so is a backend that Pulumi.yaml
 * names; else the folder for the state is made.
 * @throws Error when the engine is not installed.
 */
export function engineEnvironment(base: NodeJS.ProcessEnv, places: Places = placesOf()): NodeJS.ProcessEnv {
  const path = [...pathFolders(places), ...(base.PATH === undefined ? [] : [base.PATH])].join(delimiter);
  return { ...base, ...settings(base, places), PATH: path };
}

/** The same as lines for a POSIX shell's `eval`; PATH is put in front of the PATH that the shell has. */
export function exportLines(base: NodeJS.ProcessEnv, places: Places = placesOf()): string[] {
  const folders = pathFolders(places).map(shellQuote).join(":");
  const lines = Object.entries(settings(base, places)).map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  return [...lines, `export PATH=${folders}:"$PATH"`];
}

/** `bramble env`. */
export function envCommand(): Command {
  return new Command("env")
    .description("print what plain `pulumi` needs in its environment")
    .addHelpText(
      "after",
      `
For people who would rather type pulumi than npm run. In bash, zsh or another POSIX shell:

  eval "$(npm run -s bramble -- env)"
  pulumi preview --stack lab

It puts the engine and the project's own Node first on PATH, gives Pulumi a home of its own inside .bramble/
(your ~/.pulumi stays as it is) and keeps the state in .bramble/state, unless PULUMI_BACKEND_URL is set or Pulumi.yaml
names a backend.`,
    )
    .action(() => {
      process.stdout.write(`${exportLines(process.env).join("\n")}\n`);
    });
}

/** A value as one word of a POSIX shell, whatever is in it. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function pathFolders({ bin, project }: Places): string[] {
  // The second one holds Node 24: Pulumi's language host takes `node` from PATH, and it must run .ts files.
  return [bin, `${project}/node_modules/.bin`];
}

function settings(base: NodeJS.ProcessEnv, places: Places): Record<string, string> {
  const pieces = readRecord(places.engine)?.pieces;
  if (pieces?.cli === undefined) throw new Error("The engine is not installed yet. Run: npm run setup");
  const pluginsBuiltHere = [pieces.command, pieces.bridge].some((piece) => piece?.how === "built");
  return {
    BRAMBLE_WORK: places.work,
    PULUMI_HOME: places.home,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The engine's plugins, not a stray one on PATH (which Pulumi would take, with a warning in every run).
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    // destroy and refresh run the program, so that they have its providers' settings and not those of the last up.
    PULUMI_RUN_PROGRAM: "true",
    // Built here means that the makers could not be reached: fail at once on a missing plugin instead of trying.
    ...(pluginsBuiltHere ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
    ...(base.PULUMI_BACKEND_URL || projectNamesBackend(places) ? {} : { PULUMI_BACKEND_URL: stateUrl(places) }),
  };
}

/** Whether Pulumi.yaml says where the state is, which the engine goes by where the environment does not. */
function projectNamesBackend({ project }: Places): boolean {
  const file = `${project}/Pulumi.yaml`;
  if (!existsSync(file)) return false;
  const document: { backend?: { url?: unknown } } | null = parse(readFileSync(file, "utf8"));
  return typeof document?.backend?.url === "string";
}

function stateUrl({ state }: Places): string {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  return pathToFileURL(state).href;
}
