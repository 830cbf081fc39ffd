import { existsSync } from "node:fs";
import { table } from "../lib/table.ts";
import { siteOf } from "../stack/stacks.ts";
import { libvirtAnswers, tryVirsh } from "./host/virsh.ts";
import { connectToController } from "./job.ts";
import { labStack, labStackFile } from "./stack.ts";

/** Prints what there is of the lab: each VM with its state in libvirt and in Slurm. */
export async function labStatus(say: (line: string) => void): Promise<void> {
  if (!existsSync(labStackFile)) return say("There is no lab. Make one: npm run lab");
  if (!(await libvirtAnswers()))
    return say("libvirt does not run (was the machine rebooted?). Start the lab again: npm run lab");
  const site = await siteOf(labStack);
  const { nodes, problem } = await slurmStates();
  const rows = await Promise.all(
    site.vms.map(async (vm) => {
      const { code, stdout } = await tryVirsh("domstate", `${site.name}-${vm.name}`);
      return [vm.name, vm.address, code === 0 ? stdout.trim() : "missing", nodes.get(vm.name) ?? ""];
    }),
  );
  table([["VM", "ADDRESS", "LIBVIRT", "SLURM"], ...rows], say);
  if (problem !== undefined) say(`Slurm could not be asked: ${problem}`);
}

/** What Slurm says of each node, or why it can't be asked. */
async function slurmStates(): Promise<{ nodes: Map<string, string>; problem?: string }> {
  try {
    const { connection, name } = await connectToController(20);
    const { code, stdout, stderr } = await connection.run("sinfo --noheader --Node --format '%N %T'");
    connection.close();
    if (code !== 0) return { nodes: new Map(), problem: stderr.trim() };
    const states = stdout
      .trim()
      .split("\n")
      .map((line): [string, string] => {
        const [node = "", state = ""] = line.split(" ");
        return [node, state];
      });
    return { nodes: new Map([...states, [name, "controller"]]) };
  } catch (error) {
    return { nodes: new Map(), problem: error instanceof Error ? error.message : String(error) };
  }
}
