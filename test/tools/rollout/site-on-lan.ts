import { sshKeyPair } from "../../../formats/ssh-key.ts";
import type { TftpTreeInputs, TftpTreeOutputs } from "../../../providers/tftp-tree/inputs.ts";
import { create, diff, update } from "../../../providers/tftp-tree/provider.ts";
import { keyFolder, writeKeyFiles } from "../../../providers/transport/key-files.ts";
import { siteKeys } from "../../../site/keys.ts";
import type { Boot, Site } from "../../../site/model.ts";
import { type Context, contextOf } from "../../../tools/rollout/context.ts";
import { lookAtSite, planRollout, type Wishes } from "../../../tools/rollout/plan.ts";
import { releaseBoard } from "../../../tools/rollout/restart.ts";
import { runRollout } from "../../../tools/rollout/run.ts";
import { withServerLock } from "../../../tools/rollout/server-lock.ts";
import { planText } from "../../../tools/rollout/text.ts";
import { siteOf } from "../../site/shelf.ts";

/** What the admin's machine of the test does: calls of the program, of which the test hears the results. */

export const towerKey = sshKeyPair(Buffer.alloc(32, 9));
export const owner = { site: "home", id: "0a1b2c3d" };
export const tftpRoot = "/run/machines/tower/tftp";

export const siteText = `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, ntp: [pool.ntp.org] }
boot: { server: tower, tftp: ${tftpRoot} }
boards:
  tower: { model: pc, role: boot-server, memory: 8GiB, address: 10.20.0.5, hostKey: "${towerKey.publicKey}" }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11, drive: usb-A_1-part1 }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12, drive: usb-A_2-part1 }
clusters:
  physics:
    type: slurm
    drain: { timeout: 8s }
    controller: { address: 10.20.0.100, memory: 1GiB, host: pi1 }
    workers:
      a: { count: 1, memory: 2GiB, addresses: 10.20.0.101-10.20.0.109, host: pi1 }
      b: { count: 1, memory: 2GiB, addresses: 10.20.0.111-10.20.0.119, host: pi2 }
`;

export const site = bootSite(siteOf(siteText));
export const keys = siteKeys(Buffer.alloc(32, 7), site.name, site.epochs);

export interface RolledOut {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Publishes a version for a board, as `up` does; what it publishes, and whether it would do so again. */
export async function publish(
  board: string,
  line: string,
  before?: TftpTreeOutputs,
): Promise<{ readonly generation: string; readonly outs: TftpTreeOutputs; readonly changes: boolean }> {
  await ownKeys();
  const inputs = treeInputs(board, line);
  const outs = before === undefined ? (await create(inputs)).outs : (await update("", before, inputs)).outs;
  return { generation: inputs.generation, outs, changes: diff("", outs, inputs).changes };
}

/** The plan, in words. */
export async function dryRun(wishes: Wishes = {}): Promise<string> {
  const { context } = said();
  return planText(site, await planned(context, wishes));
}

/** A whole rollout. @param stopAfter interrupts it when a line like this is said */
export async function rollOut(wishes: Wishes = {}, stopAfter?: string): Promise<RolledOut> {
  const interruption = new AbortController();
  const { context, lines } = said((line) => {
    if (stopAfter !== undefined && new RegExp(stopAfter).test(line)) interruption.abort();
  });
  const code = await withServerLock(context, async (lock) =>
    runRollout(context, await planned(context, wishes), lock, interruption.signal),
  );
  return { code, lines };
}

export async function releaseOn(board: string): Promise<string> {
  return await releaseBoard(said().context, board);
}

async function planned(context: Context, wishes: Wishes) {
  return planRollout(context, ...(await lookAtSite(context)), wishes);
}

function said(hear: (line: string) => void = () => undefined) {
  const lines: string[] = [];
  const say = (line: string) => {
    lines.push(line);
    hear(line);
  };
  const context: Context = {
    ...contextOf(site, keys, owner.id, say),
    patience: { board: 60, byItself: 5, vms: 12, nodes: 20 },
    graces: { quiet: 1, identity: 1, problems: 1, report: 1 },
  };
  return { context, lines };
}

function treeInputs(board: string, line: string): TftpTreeInputs {
  const generation = Buffer.from(line.padEnd(8, ".")).toString("hex").slice(0, 16);
  const image = generation.repeat(4);
  return {
    server: { connect: "ssh", name: "tower", address: "10.20.0.5", user: "root", hostKey: towerKey.publicKey },
    root: tftpRoot,
    owner,
    tree: board,
    names: [board],
    generation,
    files: {
      "config.txt": "os_prefix={generation}/\n",
      "{generation}/cmdline.txt": `bramble.image=${image} bramble.generation={generation}\n`,
    },
    blobs: {},
    keep: 3,
  };
}

/** The key by which what runs in the engine logs in. Others may be reading it: two boards are published for at once. */
async function ownKeys(): Promise<void> {
  process.env.BRAMBLE_WORK = "/run/admin";
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
  await writeKeyFiles(keyFolder("/run/admin", "home"), { deployKey, knownHosts: "", lost: {} });
}

function bootSite(site: Site): Site & { readonly boot: Boot } {
  if (site.boot === undefined) throw new Error("the site has no boot section");
  return { ...site, boot: site.boot };
}
