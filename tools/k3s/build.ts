import { mkdir, readFile, writeFile } from "node:fs/promises";
import type { BuiltBundle } from "../../formats/artifact-lock.ts";
import { type Cache, keep, partialPath, scratch } from "../artifacts/cache.ts";
import { inTurn } from "../lib/turn.ts";
import { placesOf, thisMachine } from "../setup/places.ts";
import { type Step, showProgress } from "../setup/progress.ts";
import { hashInputs } from "../setup/record.ts";
import { openTemp, openWorkshop, removeTemps, type Workshop } from "../setup/workshop.ts";
import { appletsOf, busyboxImage, corednsImage, fetchBusybox, pauseImage, pinnedBusybox } from "./images.ts";
import { type BundleEntry, packBundle, programLinks } from "./pack.ts";
import { buildCoredns, buildK3s, buildPause, buildShim } from "./programs.ts";

export interface BuildOptions {
  readonly project: string;
  readonly cache: Cache;
  /** What k3s is to say of itself. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** To be raised when the same sources are packed otherwise. */
const bundleFormat = 1;

/** SHA-256 in hex over all that a build is made from, but for the compilers. */
export async function buildInputs(project: string, version: string): Promise<string> {
  const texts = [`bundle ${bundleFormat}`, version, thisMachine().goArch, await pinnedBusybox()];
  return hashInputs(texts, [`${project}/engine/k3s`, `${project}/engine/coredns`]);
}

/**
 * Builds k3s and what goes with it into a bundle in the cache: minutes, and gigabytes of Go's caches. One build at a time.
 * @throws Error that says for each part what is wrong; nothing half-done stays
 */
export async function buildBundle({ project, cache, version, signal, say }: BuildOptions): Promise<BuiltBundle> {
  const places = placesOf(project);
  const onWait = (who: string) => say(`A set-up or build of this project is at work (${who}). Waiting for it.`);
  // The lock of set-ups: both compile with all there is, and clear away what a killed one left in the same folder.
  return inTurn(`${places.engine}/setup.lock`, "bramble artifacts update", { onWait, signal }, async () => {
    const inputs = await buildInputs(project, version); // before: what changes while it compiles is not in it
    const temp = await openTemp(places.engine);
    try {
      const entries = await makeParts(version, openWorkshop(places, temp, signal));
      const partial = partialPath(cache, `${scratch}k3s-built`);
      say("packing it");
      const content = await packBundle(entries, partial, { compress: true, signal });
      await keep(cache, partial, content);
      return { version, ...content, inputs };
    } finally {
      await removeTemps(places.engine);
    }
  });
}

/** Compiles side by side. The times are those of two cores with empty caches. */
async function makeParts(version: string, shop: Workshop): Promise<readonly BundleEntry[]> {
  const out = `${shop.temp}/bundle`;
  await mkdir(out);
  const images: Record<string, () => Promise<Buffer>> = {};
  const step = (title: string, usualSeconds: number, make: (shop: Workshop) => Promise<void>): Step => ({
    title,
    usualSeconds,
    run: async (show) => {
      await make({ ...shop, say: (text) => show(text, usualSeconds) });
      return "built";
    },
  });
  const steps = [
    step(`k3s ${version}`, 480, (own) => buildK3s(version, `${out}/k3s`, own)),
    step("CoreDNS", 90, async (own) => {
      await buildCoredns(`${out}/coredns`, own);
      images.coredns = () => corednsImage(`${out}/coredns`);
    }),
    step("small programs", 30, async (own) => {
      await buildPause(`${out}/pause`, own);
      images.pause = () => pauseImage(`${out}/pause`);
      own.say("fetching Debian's busybox");
      const program = await fetchBusybox(await pinnedBusybox(), await own.makeTemp("busybox"), own.signal);
      const applets = await appletsOf(program, own.signal);
      images.busybox = () => busyboxImage(program, applets);
      await buildShim(`${out}/shim`, own);
    }),
  ];
  const errors = await showProgress("Building k3s, once", steps);
  shop.signal.throwIfAborted();
  const reasons = errors.flatMap((error, index) =>
    error === undefined ? [] : [`${steps[index]?.title}: ${error instanceof Error ? error.message : error}`],
  );
  if (reasons.length > 0) throw new Error(reasons.join("\n"));
  const archives = await Promise.all(
    Object.entries(images).map(async ([name, image]) => {
      await writeFile(`${out}/${name}.tar`, await image());
      return file(`images/${name}.tar`, 0o644, `${out}/${name}.tar`);
    }),
  );
  return [
    file("bin/k3s", 0o755, `${out}/k3s`),
    file("bin/containerd-shim-runc-v2", 0o755, `${out}/shim`),
    ...programLinks(["kubectl", "crictl", "ctr", "containerd"]),
    {
      ...file("cni/flannel", 0o755, ""),
      source: await readFile(`${shop.places.project}/engine/k3s/programs/flannel`),
    },
    ...networkPlugins,
    ...archives.sort((a, b) => (a.path < b.path ? -1 : 1)),
  ];
}

/** Debian's, of the guest. k3s takes them from the folder where it finds host-local, and flannel must lie beside them. */
const networkPlugins = ["bandwidth", "bridge", "firewall", "host-local", "loopback", "portmap"].map(
  (name): BundleEntry => ({ kind: "link", path: `cni/${name}`, target: `/usr/lib/cni/${name}` }),
);

function file(path: string, mode: number, source: string) {
  return { kind: "file", path, mode, source } as const;
}
