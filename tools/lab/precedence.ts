import { until } from "../lib/until.ts";
import { tryVirsh } from "./host/virsh.ts";

/** Others have 1024, or 100 where control groups are of version 2. */
const weight = 8192;

/**
 * Lets a VM go before others at the processors, from its start until it is off: without KVM k3s needs by far the longest
 * until it is ready, and Slurm has time until then. Where libvirt has no control groups to weigh VMs by, the lab only takes
 * longer.
 */
export async function letGoFirst(domain: string, isOver: () => boolean): Promise<void> {
  const runs = async () => isOver() || (await tryVirsh("domstate", domain)).stdout.trim() === "running";
  await until(`${domain} to run`, runs, { deadline: Number.POSITIVE_INFINITY, every: 500 });
  if (!isOver()) await tryVirsh("schedinfo", domain, "--live", "--set", `cpu_shares=${weight}`);
}
