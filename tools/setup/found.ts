import { existsSync } from "node:fs";
import { cp, mkdir, realpath, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { env } from "node:process";
import { run } from "../lib/run.ts";
import { thisMachine } from "./places.ts";
import { findProgram, isExecutableFile } from "./programs.ts";
import { atLeast, majorMinor, oldestPulumi } from "./versions.ts";
import type { Workshop } from "./workshop.ts";

/** The programs that belong to a Pulumi CLI: it looks for the last two beside itself. */
export const cliPrograms = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"] as const;

/**
 * Links the machine's own Pulumi into `folder`.
 * @returns in words, where it is
 * @throws Error that says why the machine's Pulumi is not used
 */
export async function linkPulumi(folder: string, shop: Workshop): Promise<string> {
  const ours = [shop.places.bin, `${shop.places.project}/node_modules/.bin`];
  const program = findProgram("pulumi", env.PATH, ours);
  if (program === undefined) throw new Error("no `pulumi` on PATH");
  // Its home is ours for this question: it writes there.
  const { stdout } = await run([program, "version"], {
    signal: shop.signal,
    ownGroup: true,
    env: { ...env, PULUMI_HOME: await shop.makeTemp("home"), PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  const version = majorMinor(stdout);
  const wanted = `at least ${oldestPulumi.join(".")} and below ${oldestPulumi[0] + 1}`;
  if (version === undefined || !atLeast(version, oldestPulumi) || version[0] > oldestPulumi[0]) {
    throw new Error(`${program} is ${stdout.trim() || "of no version"}, wanted is ${wanted}`);
  }
  const home = dirname(await realpath(program));
  const lacking = cliPrograms.filter((name) => !isExecutableFile(`${home}/${name}`));
  if (lacking.length > 0) throw new Error(`${home} lacks ${lacking.join(" and ")}`);
  await mkdir(folder, { recursive: true });
  for (const name of cliPrograms) await symlink(`${home}/${name}`, `${folder}/${name}`);
  return `${home} (${stdout.trim()})`;
}

/**
 * Copies a plugin of exactly this version from the user's Pulumi home, which is only read. (A link would let Pulumi
 * write its notes of last use there.)
 * @returns in words, where it was
 * @throws Error when it is not there
 */
export async function copyPlugin(plugin: string, program: string, folder: string, shop: Workshop): Promise<string> {
  const source = `${userHome(shop)}/plugins/${plugin}`;
  const unfinished = `${source}.partial`; // Pulumi's own mark of an installation that was interrupted
  const isThere = isExecutableFile(`${source}/${program}`) && !existsSync(unfinished);
  if (!isThere) throw new Error(`no ${source}`);
  await cp(source, folder, { recursive: true });
  return source;
}

/** Copies a Terraform provider that the user's own bridge has fetched. */
export async function copyTerraformProvider(path: string, file: string, shop: Workshop): Promise<string> {
  const source = `${userHome(shop)}/dynamic_tf_plugins/${path}`;
  if (!isExecutableFile(source)) throw new Error(`no ${source}`);
  await cp(source, file);
  return source;
}

/** Where the bridge keeps the libvirt provider, below its folder dynamic_tf_plugins. */
export function terraformProviderPath(version: string): string {
  const { os, goArch } = thisMachine();
  const folder = `registry.opentofu.org/dmacvicar/libvirt/${version}/${os}_${goArch}`;
  return `${folder}/terraform-provider-libvirt_v${version}`;
}

function userHome(shop: Workshop): string {
  const set = env.PULUMI_HOME; // ours, in a shell that has evaluated `bramble env`
  return set && set !== shop.places.home ? set : `${homedir()}/.pulumi`;
}
