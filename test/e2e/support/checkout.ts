import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { projectRoot, workFolder } from "../../../tools/lib/paths.ts";
import { type RunOptions, type RunResult, tryRun } from "../../../tools/lib/run.ts";
import { shareReleases } from "../../doubles/shared-releases.ts";

/** What one command of the project did. */
export interface CommandResult extends RunResult {
  /** Both outputs, in the order in which they came. */
  readonly output: string;
  readonly seconds: number;
}

/**
 * A second copy of the project, as on another machine: its own stacks, keys and state. The installed engine, the guest
 * images and the packages are those of this copy, since they take minutes to make.
 */
export interface Checkout {
  readonly folder: string;
  /** Of its commands. */
  readonly environment: NodeJS.ProcessEnv;
  /** Runs the `bramble` command in it; an exit code other than 0 is an answer. */
  bramble(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Removes its files; what its stacks made is not its concern. */
  remove(): Promise<void>;
}

/** Copies the project. What is added is for each command's environment. */
export async function makeCheckout(additions: NodeJS.ProcessEnv = {}): Promise<Checkout> {
  const environment = { ...process.env, ...additions };
  const folder = await mkdtemp(join(tmpdir(), "bramble-checkout-"));
  await cp(projectRoot, folder, {
    recursive: true,
    filter: (path) => !leftOut.has(basename(path)) && !/^Pulumi\..+\.yaml$/.test(basename(path)),
  });
  await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  await mkdir(join(folder, ".bramble"));
  await shareReleases(folder);
  for (const shared of ["engine", "images"]) await symlink(join(workFolder, shared), join(folder, ".bramble", shared));
  return {
    folder,
    environment,
    bramble: (args, options = {}) =>
      timed(["node", "tools/bramble.js", ...args], {
        cwd: folder,
        ...options,
        env: { ...environment, ...options.env },
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const leftOut = new Set(["node_modules", ".bramble", ".git", "test"]);

async function timed(command: [string, ...string[]], options: RunOptions): Promise<CommandResult> {
  const lines: string[] = [];
  const start = performance.now();
  const result = await tryRun([process.execPath, ...command.slice(1)], {
    ...options,
    onLine: (line) => {
      lines.push(line);
      options.onLine?.(line);
    },
  });
  return { ...result, output: lines.join("\n"), seconds: (performance.now() - start) / 1000 };
}
