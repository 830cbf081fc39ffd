import { mkdir } from "node:fs/promises";
import type { Site } from "../../site/model.ts";
import { ensureK3s } from "../k3s/ensure.ts";
import { projectRoot, workFolder } from "../lib/paths.ts";
import { setup } from "../setup/setup.ts";
import { operate } from "../stack/command.ts";
import { releasesOf } from "../stack/k3s.ts";
import { siteOf } from "../stack/stacks.ts";
import { labAccess } from "./access.ts";
import { isPoolOf, labDomains, labNetwork, labPoolPath } from "./belongings.ts";
import { pickRange, takenRanges } from "./host/network.ts";
import { prepareHost } from "./host/prepare.ts";
import { fitLab, freeResources } from "./host/resources.ts";
import { tryVirsh, virsh, virshNames } from "./host/virsh.ts";
import { runJob } from "./job.ts";
import { runPod } from "./pod.ts";
import { letGoFirst } from "./precedence.ts";
import { labSize, type SizeName } from "./sizes.ts";
import { ensureLabStack, labFolder, labId, labStack } from "./stack.ts";

export interface LabOptions {
  readonly size: SizeName;
  readonly workers: number;
  /** Whether the k3s cluster is made too. */
  readonly k3s: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** The lab's addresses where they are free, else others that home networks seldom use. */
const prefixes = ["10.87.0", "10.187.0", "10.213.87", "172.29.87"];

/** Brings the lab up, or up to date, and runs a job and a pod on it. Gives the exit code. */
export async function labUp({ size, workers, k3s, signal, say }: LabOptions): Promise<number> {
  const start = Date.now();
  await mkdir(labFolder, { recursive: true });
  await setup({ signal, say });
  const { accel } = await prepareHost(labFolder, { signal, say });
  await refuseAnotherLab();
  if (!(await isUp())) await checkRoom(size, workers, k3s);
  const prefix = await freePrefix();
  await ensureLabStack({ accelerator: accel, size, workers, k3s, prefix });
  const site = await siteOf(labStack);
  for (const release of releasesOf(site)) await ensureK3s({ project: projectRoot, ...release, signal, say });
  say(`$ pulumi up --stack ${labStack}`);
  const code = await pulumiUp(site);
  if (code !== 0) {
    say("The lab is not up. Run the same command again to go on from here, or `npm run lab -- down` to take it away.");
    return code;
  }
  await startWhatIsOff(say);
  const access = await labAccess(signal);
  const [answer, pod] = await Promise.all([runJob(access), access.k3s && runPod(access.k3s, access)]);
  if (answer.lines === undefined) {
    say(
      `\nThe workers run other jobs, so \`${answer.command}\` was not tried; squeue on ${answer.controller} shows them.`,
    );
  } else {
    say(`\n$ ${answer.command}      (a Slurm job of user demo, submitted on ${answer.controller})`);
    for (const line of answer.lines) say(line);
  }
  if (pod !== undefined) say(`\n$ ${pod.command}      (a pod of k3s, asked for on ${pod.server})\n${pod.line}`);
  say(
    `\nThe lab is up after ${Math.round((Date.now() - start) / 1000)} s. It is stacks/lab.yaml, made real.\n` +
      "  npm run lab -- status              what is there\n" +
      `  npm run lab -- ssh ${answer.controller}  log in\n` +
      "  npm run lab -- down                take it all away",
  );
  return 0;
}

/** Gives the exit code. */
async function pulumiUp({ clusters }: Site): Promise<number> {
  const nodes = clusters.flatMap((cluster) => (cluster.type === "k3s" ? [...cluster.servers, ...cluster.agents] : []));
  let isOver = false;
  const up = operate("up", labStack, ["--yes", "--skip-preview"]).finally(() => {
    isOver = true;
  });
  const first = nodes.map((node) => letGoFirst(`${labStack}-${node}`, () => isOver));
  const [code] = await Promise.all([up, ...first]);
  return code;
}

/** A lab of another clone of the project has the same names, and must not be touched. */
async function refuseAnotherLab(): Promise<void> {
  const path = await labPoolPath();
  const id = await labId();
  if (path === undefined || (id !== undefined && isPoolOf(id, path))) return;
  throw new Error(
    `Another lab is on this machine: its disks are in ${path}. There can be one at a time; take it down from the clone of ` +
      "the project that made it (npm run lab -- down there).",
  );
}

/** Whether the lab has machines already; what it takes is then no longer free, and need not be. */
async function isUp(): Promise<boolean> {
  const id = await labId();
  return id !== undefined && (await virshNames("net-list", "--all")).includes(labNetwork);
}

async function checkRoom(size: SizeName, workers: number, k3s: boolean): Promise<void> {
  const fit = fitLab(
    labSize(size, workers, k3s),
    size === "small" ? [] : [labSize("small", workers, k3s)],
    await freeResources(workFolder),
  );
  if (fit.kind === "fits") return;
  const without = k3s ? "\nWith --no-k3s it takes half of that." : "";
  throw new Error(
    fit.kind === "smaller" ? `${fit.message}\nRun: npm run lab -- --size ${fit.size.name}` : `${fit.message}${without}`,
  );
}

async function freePrefix(): Promise<string> {
  const [preferred = "", ...others] = prefixes.map((prefix) => `${prefix}.0/24`);
  const range = pickRange(preferred, others, await takenRanges(), labNetwork);
  return range.replace(/\.0\/24$/, "");
}

/** Guests that were shut down by hand, or with this machine, are started; the engine does not look at that. */
async function startWhatIsOff(say: (line: string) => void): Promise<void> {
  const id = await labId();
  if (id === undefined) return;
  for (const domain of await labDomains(id, "--inactive")) {
    await tryVirsh("net-start", labNetwork); // fails where it runs already
    await virsh("start", domain);
    say(`started ${domain}, which was off`);
  }
}
