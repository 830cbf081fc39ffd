import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../tools/lib/run.ts";
import type { Figure } from "./table.ts";

const boards = 1000;
const vms = 4000;

/** Reading, checking and placing a large site; bench/site.ts alone says more. */
export async function siteFigures(runs: number): Promise<Figure[]> {
  const script = fileURLToPath(new URL("site.ts", import.meta.url));
  const seconds: number[] = [];
  const memory: number[] = [];
  for (let index = 0; index < runs; index++) {
    const { stdout } = await run([execPath, script, String(boards), String(vms), "once"]);
    const { whole, peakMiB }: { whole: number; peakMiB: number } = JSON.parse(stdout);
    seconds.push(whole / 1000);
    memory.push((peakMiB * 2 ** 20) / 1e6);
  }
  const name = `read, check and place ${boards} boards and ${vms} VMs`;
  return [
    { name, unit: "s", target: 1, values: seconds, note: "from the start of the process" },
    { name: `${name}: peak memory`, unit: "MB", target: 300, values: memory },
  ];
}
