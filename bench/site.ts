import { execFileSync } from "node:child_process";
import { argv, cpuUsage, execPath, resourceUsage, stdout } from "node:process";
import { fileURLToPath } from "node:url";

/**
 * How long a large site takes to read, validate and place, and how much memory: `node bench/site.ts [BOARDS] [VMS]`.
 * Each run is a process of its own, as each `pulumi up` is; the time includes loading the code.
 */
const budget = { seconds: 1, mebibytes: 300 };
const runs = 5;

/** A site of Raspberry Pis with clusters of a controller and 99 workers each. */
export function largeSite(boards: number, vms: number): string {
  const address = (index: number) =>
    `10.${1 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`;
  const lines = ["site: large", "network: { cidr: 10.0.0.0/8, gateway: 10.0.0.1 }", "boards:"];
  for (let board = 0; board < boards; board++) {
    const hex = (0xa000_0000 + board).toString(16);
    const mac = `dc:a6:32:${(0x100_0000 + board).toString(16).slice(1).match(/../g)?.join(":")}`;
    lines.push(
      `  pi${board}: { model: pi5, memory: 16GiB, serial: "10000000${hex}", mac: "${mac}", address: ${address(board)} }`,
    );
  }
  lines.push("clusters:");
  for (let cluster = 0; cluster * 100 < vms; cluster++) {
    const [first, last] = [address(100_000 + cluster * 250 + 1), address(100_000 + cluster * 250 + 240)];
    lines.push(
      `  c${cluster}:`,
      "    type: slurm",
      `    controller: { address: ${address(100_000 + cluster * 250)}, memory: 2GiB }`,
      `    workers: { n: { count: 99, cpus: 2, memory: 3GiB, addresses: ${first}-${last} } }`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** What one run in a process of its own came to; times in milliseconds. */
interface Run {
  /** From the text to the placed site. */
  readonly read: number;
  /** Processor time of the same. */
  readonly processor: number;
  /** The YAML alone, and placement alone, done once more. */
  readonly yaml: number;
  readonly placement: number;
  /** From the start of the process. */
  readonly whole: number;
  readonly peakMiB: number;
}

async function measure(boards: number, vms: number): Promise<Run> {
  const text = largeSite(boards, vms);
  const { readSite } = await import("../site/read.ts");
  const [started, idle] = [performance.now(), cpuUsage()];
  const result = readSite({ file: "large.yaml", text });
  const whole = performance.now();
  const { user, system } = cpuUsage(idle);
  const peakMiB = resourceUsage().maxRSS / 1024;
  if (!result.ok) throw new Error(JSON.stringify(result.problems.slice(0, 3)));

  const { hosts, vms: placed } = result.site;
  const wishes = placed.map((vm, index) => ({ ...vm, index, dataGiB: vm.dataGiB ?? 0, allowed: undefined }));
  const { readDocument } = await import("../site/document.ts");
  const { place } = await import("../site/placement.ts");
  const yaml = timed(() => readDocument("large.yaml", text));
  const placement = timed(() => place("large", hosts, wishes));
  return { read: whole - started, processor: (user + system) / 1000, yaml, placement, whole, peakMiB };
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function report(boards: number, vms: number): void {
  const self = fileURLToPath(import.meta.url);
  stdout.write(
    `Site of ${boards} boards and ${vms} VMs; budget: read in ${budget.seconds} s, ${budget.mebibytes} MiB\n`,
  );
  for (let run = 0; run < runs; run++) {
    const said = execFileSync(execPath, [self, String(boards), String(vms), "once"], { encoding: "utf8" });
    const figures = Object.entries(JSON.parse(said)).map(
      ([what, value]) => `${what} ${Number(value).toFixed(0).padStart(4)}`,
    );
    stdout.write(`  ${figures.join("   ")}\n`);
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [boards = 1000, vms = 4000] = argv.slice(2, 4).map(Number);
  if (argv[4] === "once") stdout.write(JSON.stringify(await measure(boards, vms)));
  else report(boards, vms);
}
