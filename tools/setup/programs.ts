import { accessSync, constants, statSync } from "node:fs";
import { delimiter } from "node:path";
import { env } from "node:process";

/** A program that must be installed on the machine that runs Pulumi. */
export interface RunnerProgram {
  program: string;
  why: string;
  debianPackage: string;
}

const runnerPrograms: readonly RunnerProgram[] = [
  {
    program: "mkisofs",
    why: "the libvirt provider writes each VM's seed as an ISO image with it",
    debianPackage: "genisoimage",
  },
  {
    program: "xsltproc",
    why: "the libvirt provider applies a domain's XML adjustments with it",
    debianPackage: "xsltproc",
  },
  {
    program: "ssh",
    why: "remote steps and libvirt's connections to hosts run over it",
    debianPackage: "openssh-client",
  },
];

/** The programs that `up` needs and this machine lacks; empty when it has all. */
export function missingRunnerPrograms(path: string | undefined = env.PATH): RunnerProgram[] {
  return runnerPrograms.filter(({ program }) => findProgram(program, path) === undefined);
}

/**
 * Does nothing where all of these are installed.
 * @throws Error that lists those that are missing, and the command that installs them
 */
export function requireRunnerPrograms(
  programs: readonly string[] = runnerPrograms.map(({ program }) => program),
): void {
  const missing = missingRunnerPrograms().filter(({ program }) => programs.includes(program));
  if (missing.length > 0) throw new Error(describeMissingPrograms(missing));
}

/** What to say of missing programs: one line each, then the command that installs them. */
export function describeMissingPrograms(missing: readonly RunnerProgram[]): string {
  const lines = missing.map(({ program, why }) => `  ${program}: ${why}`);
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  return [
    "Programs that this machine lacks:",
    ...lines,
    `On Debian and Ubuntu: sudo apt-get install ${packages}`,
    ...(process.platform === "darwin" ? ["On macOS: brew install cdrtools libxslt"] : []),
  ].join("\n");
}

/** The first executable file of this name in the folders of a PATH, without those in `except`. */
export function findProgram(
  name: string,
  path: string | undefined = env.PATH,
  except: readonly string[] = [],
): string | undefined {
  for (const folder of (path ?? "").split(delimiter)) {
    if (folder === "" || except.includes(folder)) continue;
    if (isExecutableFile(`${folder}/${name}`)) return `${folder}/${name}`;
  }
  return undefined;
}

/** Whether this user may run the file. */
export function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // absent, or not ours to run: not a program
  }
}
