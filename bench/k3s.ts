import { stderr } from "node:process";
import { doneAt } from "../test/e2e/support/engine-events.ts";
import { startK3sSite } from "../test/e2e/support/k3s-site.ts";
import { succeeds } from "../test/e2e/support/steps.ts";
import type { Figure } from "./table.ts";

const server = { node: "web-server1", name: "k3s server, from domain start until pods can run on it", target: 180 };
const agent = { node: "web-n1", name: "k3s agent beside it, the same", target: 240 };

/**
 * A server and an agent that start at the same time, on a host of their own and with a real NFS server; the lab's figures
 * have Slurm beside them.
 */
export async function k3sFigures(runs: number): Promise<Figure[]> {
  const each: number[][] = [];
  for (let index = 0; index < runs; index++) each.push(await once());
  return [server, agent].map(({ name, target }, place) => {
    const values = each.map((seconds) => seconds[place] ?? Number.NaN);
    return { name, unit: "s", target, values };
  });
}

async function once(): Promise<number[]> {
  const web = await startK3sSite("bench");
  try {
    await web.describe({ servers: 1, disposable: true });
    const up = await succeeds(web.site.operate("up"));
    const seconds = [server, agent].map(({ node }) => doneAt(up, `Command ${node}/k3s`) - doneAt(up, `Domain ${node}`));
    stderr.write(`k3s: server ${seconds[0]} s, agent ${seconds[1]} s\n`);
    return seconds;
  } finally {
    await web.stop();
  }
}
