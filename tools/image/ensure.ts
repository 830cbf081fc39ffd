import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { imageHash, imageName } from "../../images/name.ts";
import { type Arch, machineArch, manifestPath, type Recipe, slurmNode } from "../../images/recipe.ts";
import { describeFile, unlessAbsent } from "../lib/files.ts";
import { withLock } from "../lib/lock.ts";
import { build } from "./build.ts";
import { imageFolder, imagesFolder } from "./folder.ts";
import { parseManifest } from "./manifest.ts";
import { chooseMirror } from "./mirror.ts";
import { checkBuildable, keyringPath } from "./requirements.ts";

export interface EnsureOptions {
  readonly recipe?: Recipe;
  readonly arch?: Arch;
  /** A mirror's address; without it BRAMBLE_DEBIAN_MIRROR, the machine's own, or mmdebstrap's default. */
  readonly mirror?: string | undefined;
  /** Builds even where the image is there already. */
  readonly again?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly say?: (line: string) => void;
}

const describedFile = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().positive() });

/** image.json: what was built, from what, and how to see that it is whole. Written last. */
const imageSchema = z.strictObject({
  name: z.string(),
  hash: z.string(),
  built: z.string(),
  seconds: z.number(),
  mirror: z.string(),
  virtualSize: z.int(),
  files: z.strictObject({ "disk.qcow2": describedFile, kernel: describedFile, initrd: describedFile }),
});
export type Image = z.infer<typeof imageSchema> & { readonly folder: string };

/**
 * The guest image, built where it is not there yet (about a minute); a second call takes milliseconds.
 * Interrupted, it leaves nothing behind.
 */
export async function ensureImage(options: EnsureOptions = {}): Promise<Image> {
  const { recipe = slurmNode, arch = machineArch(), again = false, say = () => {} } = options;
  const name = imageName(arch, recipe);
  const there = await readImage(imageFolder(name));
  if (there !== undefined && !again) return there;
  return withLock(buildLock, "bramble image build", async () => {
    const since = await readImage(imageFolder(name));
    if (since !== undefined && !again) return since;
    return make(name, { ...options, recipe, arch, say });
  });
}

/** The image in a folder, or undefined where there is none or not all of it. */
export async function readImage(folder: string): Promise<Image | undefined> {
  const text = await readFile(`${folder}/image.json`, "utf8").catch(unlessAbsent);
  if (text === undefined) return undefined;
  const image = imageSchema.parse(JSON.parse(text));
  for (const [file, { bytes }] of Object.entries(image.files)) {
    if ((await stat(`${folder}/${file}`).catch(unlessAbsent))?.size !== bytes) return undefined;
  }
  return { ...image, folder };
}

/** The images on this machine, newest first. */
export async function listImages(): Promise<readonly Image[]> {
  const names = (await readdir(imagesFolder).catch(unlessAbsent)) ?? [];
  const images = await Promise.all(names.map((name) => readImage(`${imagesFolder}/${name}`)));
  return images.filter((image) => image !== undefined).sort((a, b) => (a.built < b.built ? 1 : -1));
}

/** One build at a time on a machine: two would only slow each other down. */
const buildLock = `${imagesFolder}/build.lock`;
const scratchPrefix = ".build-";

/** Removes images, those that no recipe names any more or all, and what a killed build left; gives their names. */
export async function cleanImages(all: boolean, current: readonly string[]): Promise<readonly string[]> {
  return withLock(buildLock, "bramble image clean", async () => {
    const names = (await readdir(imagesFolder)).filter((name) => !name.startsWith("build.lock"));
    const going = names.filter((name) => all || !current.includes(name));
    for (const name of going) await rm(`${imagesFolder}/${name}`, { recursive: true, force: true });
    return going;
  });
}

async function make(
  name: string,
  options: Required<Pick<EnsureOptions, "recipe" | "arch" | "say">> & EnsureOptions,
): Promise<Image> {
  const { recipe, arch, say, signal } = options;
  if (arch !== machineArch())
    throw new Error(`An image for ${arch} is built on a machine that is ${arch}; this one is ${machineArch()}.`);
  const started = Date.now();
  const hash = imageHash(arch, recipe);
  await removeLeftovers();
  await checkBuildable(imagesFolder);
  const path = manifestPath(recipe, arch);
  const manifest = parseManifest(await readFile(path, "utf8"), path);
  const mirror = await chooseMirror(options.mirror, recipe.suite);
  const scratch = await mkdtemp(`${imagesFolder}/${scratchPrefix}`);
  try {
    say(`building ${name}, once; this takes about a minute`);
    const out = `${scratch}/${name}`;
    const work = `${scratch}/work`;
    await mkdir(out);
    await mkdir(work);
    await build(out, work, {
      recipe,
      arch,
      manifest,
      name,
      hash,
      mirror,
      keyring: keyringPath(),
      signal,
      say,
    });
    if (imageName(arch, recipe) !== name) {
      throw new Error(
        `The files that ${recipe.name} is built from changed during the build. Run the same command again.`,
      );
    }
    const image = {
      name,
      hash,
      built: new Date().toISOString(),
      seconds: Math.round((Date.now() - started) / 1000),
      mirror: mirror.address,
      virtualSize: recipe.virtualSize,
      files: {
        "disk.qcow2": await describeFile(`${out}/disk.qcow2`),
        kernel: await describeFile(`${out}/kernel`),
        initrd: await describeFile(`${out}/initrd`),
      },
    };
    await writeFile(`${out}/image.json`, `${JSON.stringify(imageSchema.parse(image), undefined, 2)}\n`);
    await rm(imageFolder(name), { recursive: true, force: true });
    await rename(out, imageFolder(name));
    say(`built ${name} in ${image.seconds} s: ${Math.round(image.files["disk.qcow2"].bytes / 1e6)} MB`);
    return { ...image, folder: imageFolder(name) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a build left that was killed outright; this process holds the lock, so nobody is at work in it. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(imagesFolder)) {
    if (name.startsWith(scratchPrefix)) await rm(`${imagesFolder}/${name}`, { recursive: true, force: true });
  }
}
