import { execFileSync } from "node:child_process";
import { argv, execPath, memoryUsage, stdout } from "node:process";
import { fileURLToPath } from "node:url";

/**
 * How long a large site takes to read, validate and place, and how much memory: `node bench/site.ts [BOARDS] [VMS]`.
 * Each run is a process of its own, as each `pulumi up` is; the time includes loading the code.
 */
const budget = { seconds: 1, mebibytes: 300 };
const runs = 5;

/** A site of Raspberry Pis with clusters of a controller and 99 workers each. */
export function largeSite(boards: number, vms: number): string {
  const address = (index: number) => `10.${1 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`;
  const lines = ["site: large", "network: { cidr: 10.0.0.0/8, gateway: 10.0.0.1 }", "boards:"];
  for (let board = 0; board < boards; board++) {
    const hex = (0xa000_0000 + board).toString(16);
    const mac = `dc:a6:32:${(0x100_0000 + board).toString(16).slice(1).match(/../g)?.join(":")}`;
    lines.push(`  pi${board}: { model: pi5, memory: 16GiB, serial: "10000000${hex}", mac: "${mac}", address: ${address(board)} }`);
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

async function measureOnce(boards: number, vms: number): Promise<void> {
  const text = largeSite(boards, vms);
  const { readSite } = await import("../site/read.ts");
  const loaded = performance.now();
  const result = readSite({ file: "large.yaml", text });
  const read = performance.now() - loaded;
  if (!result.ok) throw new Error(JSON.stringify(result.problems.slice(0, 3)));
  const { readDocument } = await import("../site/document.ts");
  const { place } = await import("../site/placement.ts");
  const started = performance.now();
  readDocument("large.yaml", text);
  const parsed = performance.now() - started;
  const { hosts, vms: placed } = result.site;
  const wishes = placed.map((vm, index) => ({ ...vm, index, dataGiB: vm.dataGiB ?? 0, allowed: undefined }));
  const before = performance.now();
  place("large", hosts, wishes);
  const placing = performance.now() - before;
  const mebibytes = memoryUsage().rss / 2 ** 20;
  stdout.write(JSON.stringify({ read, parsed, placing, process: loaded + read, mebibytes, vms: placed.length, bytes: text.length }));
}

function report(boards: number, vms: number): void {
  const self = fileURLToPath(import.meta.url);
  stdout.write(`site of ${boards} boards and ${vms} VMs; budget ${budget.seconds} s and ${budget.mebibytes} MiB\n`);
  stdout.write("   readSite   (again: YAML   placing)   process until done   peak memory\n");
  for (let run = 0; run < runs; run++) {
    const result = JSON.parse(execFileSync(execPath, [self, String(boards), String(vms), "once"], { encoding: "utf8" }));
    const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(9);
    const columns = [ms(result.read), "    ", ms(result.parsed), ms(result.placing), "   ", ms(result.process), "         "];
    stdout.write(`${columns.join("  ")}${result.mebibytes.toFixed(0)} MiB\n`);
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [boards = 1000, vms = 4000] = argv.slice(2, 4).map(Number);
  if (argv[4] === "once") await measureOnce(boards, vms);
  else report(boards, vms);
}
