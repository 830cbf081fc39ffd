import { stat } from "node:fs/promises";
import { join } from "node:path";
import { stderr } from "node:process";
import { boardPackages, pinBootArtifacts, systemFiles } from "../test/engine/boot-artifacts.ts";
import { pretendUp } from "../test/engine/pretend-up.ts";
import { startTrial, type Trial } from "../test/engine/trial.ts";
import type { RunResult } from "../tools/lib/run.ts";
import { peakMemory } from "./peak-memory.ts";
import type { Figure } from "./table.ts";

/** How many hosts with libvirt, with three VMs each, and what is to be kept to, in seconds. */
const sites: readonly { readonly hosts: number; readonly preview?: number; readonly plan?: number }[] = [
  { hosts: 20, preview: 10, plan: 1 },
  { hosts: 50 },
];
/** How many boards boot over the network, and what each size is to keep to, in seconds and MB. */
const fleets = [
  { boards: 200, preview: 6, firstUp: 15, state: 2 },
  // The file backend writes the whole state after each step; at this size that is turned off.
  { boards: 1000, preview: 15, firstUp: 60, state: 10, withoutCheckpoints: true },
] as const;

/**
 * Previews of large sites by the real engine, in a clone of this project. The hosts are nowhere (198.18.0.0/15 is for
 * benchmarks, RFC 2544), and the stack is told that they are as described; boards' folders are published on this machine.
 */
export async function previewFigures(runs: number): Promise<Figure[]> {
  const trial = await startTrial();
  try {
    await pinBootArtifacts(trial, systemFiles(), boardPackages());
    const figures: Figure[] = [];
    for (const site of sites) figures.push(...(await ofHosts(trial, site, runs)));
    for (const fleet of fleets) figures.push(...(await ofBoards(trial, fleet, runs)));
    return figures;
  } finally {
    await trial.remove();
  }
}

async function ofHosts(trial: Trial, site: (typeof sites)[number], runs: number): Promise<Figure[]> {
  const { hosts } = site;
  const stack = `h${hosts}`;
  await trial.makeStack(stack, hostsSite(hosts));
  await pretendUp(trial, stack);
  const name = `preview of ${hosts} hosts and ${hosts * 3} VMs, no change`;
  const run = () => trial.bramble("preview", "--stack", stack, "--expect-no-changes");
  const preview = await timed(name, runs, run);
  // By itself: looking at processes takes time from them.
  const memory: number[] = [];
  await timed(`${name}, with a look at its memory`, 1, async () => {
    const { result, peak } = await peakMemory(run());
    memory.push(peak / 1e6);
    return result;
  });
  const plan = await timed("plan", runs, () => trial.bramble("plan", "--stack", stack));
  const more = plan.map((seconds, index) => Math.max(0, seconds - (preview[index] ?? seconds)));
  return [
    { name, unit: "s", ...(site.preview !== undefined && { target: site.preview }), values: preview },
    { name: "the same, memory of all its processes", unit: "MB", values: memory },
    {
      name: "`plan` of the same, on top",
      unit: "s",
      ...(site.plan !== undefined && { target: site.plan }),
      values: more,
    },
  ];
}

async function ofBoards(trial: Trial, fleet: (typeof fleets)[number], runs: number): Promise<Figure[]> {
  const { boards } = fleet;
  const stack = `b${boards}`;
  await trial.makeStack(stack, boardsSite(boards, join(trial.folder, stack)));
  const change = "withoutCheckpoints" in fleet ? { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" } : {};
  const engine = 'eval "$(node tools/bramble.js env)" && exec pulumi "$@"';
  const up = ["bash", "-c", engine, "bash", "up", "--stack", stack, "--yes", "--skip-preview"] as const;
  const name = `boot resources of ${boards} boards`;
  const firstUp = await timed(`${name}: first up`, 1, () => trial.run(up, change));
  const preview = await timed(`${name}: preview`, runs, () =>
    trial.bramble("preview", "--stack", stack, "--expect-no-changes"),
  );
  const { size } = await stat(join(trial.folder, `.bramble/state/.pulumi/stacks/bramble/${stack}.json`));
  const note = "withoutCheckpoints" in fleet ? { note: "without checkpoints" } : {};
  return [
    { name: `${name}: first \`up\``, unit: "s", target: fleet.firstUp, values: firstUp, ...note },
    { name: `${name}: preview, no change`, unit: "s", target: fleet.preview, values: preview },
    { name: `${name}: state`, unit: "MB", target: fleet.state, values: [size / 1e6] },
  ];
}

/** Seconds that each run of a command took. @throws Error with what it said when one fails. */
async function timed(what: string, runs: number, work: () => Promise<RunResult>): Promise<number[]> {
  const seconds: number[] = [];
  for (let index = 0; index < runs; index++) {
    const started = performance.now();
    const { code, stdout, stderr: said } = await work();
    if (code !== 0) throw new Error(`${what} ended with ${code}:\n${stdout}${said}`);
    const took = (performance.now() - started) / 1000;
    stderr.write(`${what} ${took.toFixed(2)} s\n`);
    seconds.push(took);
  }
  return seconds;
}

/** PCs with a Slurm cluster for each ten of the VMs. The host key is a sample. */
function hostsSite(hosts: number): string {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
  const boards = numbers(hosts).map(
    (n) =>
      `  h${n}: { model: pc, cores: 16, memory: 64GiB, disk: 500GiB, address: 198.18.0.${n + 10}, hostKey: ${key} }`,
  );
  const clusters = numbers((hosts * 3) / 10).map(
    (n) => `  c${n}:
    type: slurm
    controller: { address: 198.18.${n + 1}.1, memory: 2GiB }
    workers: { w: { count: 9, memory: 2GiB, addresses: 198.18.${n + 1}.2-198.18.${n + 1}.20 } }`,
  );
  const network = "network: { cidr: 198.18.0.0/16, gateway: 198.18.0.1, ntp: [198.18.0.2] }";
  return [network, "boards:", ...boards, "clusters:", ...clusters, ""].join("\n");
}

/** Boards whose folders are published here; nobody serves them. */
function boardsSite(count: number, roots: string): string {
  const boards = numbers(count).map((n) => {
    const hex = n.toString(16).padStart(6, "0");
    const address = `198.19.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
    const mac = `2c:cf:67:${hex.match(/../g)?.join(":")}`;
    return `  pi${n}: { model: pi5, memory: 8GiB, serial: "7a1c0b2f9f${hex}", mac: "${mac}", address: ${address} }`;
  });
  return `network: { cidr: 198.19.0.0/16, gateway: 198.19.0.1, ntp: [198.19.0.2] }
boot: { server: tower, manage: false, tftp: ${roots}/tftp, http: ${roots}/http, bootloader: { order: [network, sd] } }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 198.19.0.5 }
${boards.join("\n")}
`;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
