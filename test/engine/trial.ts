import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { execPath } from "node:process";
import { imageName } from "../../images/name.ts";
import { machineArch } from "../../images/recipe.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { type RunOptions, type RunResult, tryRun } from "../../tools/lib/run.ts";
import { exportLines } from "../../tools/setup/env.ts";
import { placesOf } from "../../tools/setup/places.ts";

/**
 * A clone of the project in a temporary folder, with the engine of this one, to be used as a user would: by its commands
 * and by changing its files.
 */
export interface Trial {
  readonly folder: string;
  /** Runs `bramble` with the stack's passphrase and gives what it printed, without colours. */
  bramble(...args: string[]): Promise<RunResult>;
  /** Runs `pulumi` as after `eval "$(npm run -s bramble -- env)"`. */
  pulumi(...args: string[]): Promise<RunResult>;
  /** Runs any program in the clone's folder, with what `change` says laid over the environment. */
  run(command: Command, change?: NodeJS.ProcessEnv, options?: RunOptions): Promise<RunResult>;
  /** Writes stacks/NAME. */
  write(name: string, text: string): Promise<void>;
  /** Makes stack NAME with this site, and its secret. */
  makeStack(name: string, site: string): Promise<void>;
  remove(): Promise<void>;
}

type Command = readonly [string, ...string[]];

export const passphrase = "correct horse battery staple";

/** What a clone takes from this one as it is, since nobody changes it there. */
const linked = ["node_modules", "sdks", ".bramble/engine"];
/** What nothing of the program needs, or what another clone must not have. */
const leftOut = [...linked, ".bramble", ".git", "bench", "docs", "test"];

/** Makes a clone. `inside` gives the command that runs a command elsewhere, such as in a private machine. */
export async function startTrial(inside: (command: Command) => Command = (command) => command): Promise<Trial> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-trial-"));
  const isOwn = (path: string) => !basename(path).startsWith("Pulumi.") || basename(path) === "Pulumi.yaml";
  for (const part of await readdir(projectRoot)) {
    if (leftOut.includes(part)) continue;
    await cp(join(projectRoot, part), join(folder, part), { recursive: true, filter: isOwn });
  }
  for (const name of linked) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await symlink(join(projectRoot, name), join(folder, name));
  }
  const places = placesOf(folder);
  const base = {
    PATH: [join(projectRoot, "node_modules/.bin"), "/usr/sbin:/usr/bin:/sbin:/bin"].join(delimiter),
    HOME: join(folder, "home"),
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    BRAMBLE_SHUTDOWN_TIMEOUT: "0",
    NO_COLOR: "1",
  };
  const run: Trial["run"] = async (command, change = {}, options = {}) => {
    const env = { ...base, ...change };
    const result = await tryRun(inside(["env", "--chdir", folder, ...command]), { env, ...options });
    return { ...result, stdout: plain(result.stdout), stderr: plain(result.stderr) };
  };
  const trial: Trial = {
    folder,
    run,
    bramble: (...args) => run([execPath, join(folder, "tools/bramble.js"), ...args]),
    pulumi: (...args) =>
      run(["bash", "-c", [...exportLines({}, places), 'exec pulumi "$@"'].join("\n"), "bash", ...args]),
    write: (name, text) => writeFile(join(folder, "stacks", name), text),
    makeStack: async (name, site) => {
      await trial.write(`${name}.yaml`, site);
      const { code, stderr } = await trial.bramble("secret", "new", "--stack", name);
      if (code !== 0) throw new Error(stderr);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  return trial;
}

/** Files in the place of the guest image: no VM starts from them, but hosts take them. `bytes` is the size of its disk. */
export async function placeImage(trial: Trial, bytes: number): Promise<string> {
  const name = imageName(machineArch());
  const folder = join(trial.folder, ".bramble/images", name);
  await mkdir(folder, { recursive: true });
  for (const file of ["kernel", "initrd"]) await writeFile(join(folder, file), file);
  const disk = join(folder, "disk.qcow2");
  await tryRun(["qemu-img", "create", "-q", "-f", "qcow2", disk, "4G"]);
  await tryRun(["truncate", "--size", String(bytes), disk]);
  return name;
}

/** Without the colours that Node gives the errors of a program. */
function plain(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}
