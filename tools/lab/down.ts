import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { env } from "node:process";
import { operate } from "../stack/command.ts";
import { askPulumi } from "../stack/pulumi.ts";
import { labAccess } from "./access.ts";
import { prepareHost, releaseHost } from "./host/prepare.ts";
import { removeLeftovers, removeTraces } from "./leftovers.ts";
import { labFolder, labId, labStack, labStackFile, removeLabFiles } from "./stack.ts";

/** Takes the lab away: domains, volumes, pool, network, daemons that it started, its stack and keys. Gives the exit code. */
export async function labDown(say: (line: string) => void): Promise<number> {
  const id = await labId();
  if (id === undefined && !existsSync(labStackFile)) {
    await releaseHost(labFolder, { say });
    await rm(labFolder, { recursive: true, force: true });
    say("There is no lab here.");
    return 0;
  }
  // Also after a reboot of the machine, when libvirt does not run yet.
  await prepareHost(labFolder, {});
  if (existsSync(labStackFile)) {
    await endJobs(say);
    env.BRAMBLE_SHUTDOWN_TIMEOUT = "0"; // nothing of the lab is kept, so there is nothing to shut down in good order
    const code = await operate("destroy", labStack, ["--yes", "--skip-preview"]);
    if (code === 130) return code;
    if (code !== 0) say("The engine could not take everything down; the rest is removed from libvirt directly.");
  }
  for (const what of id === undefined ? [] : await removeLeftovers(id)) say(`removed ${what}`);
  await removeTraces();
  if (existsSync(labStackFile)) await askPulumi(labStack, ["stack", "rm", "--yes", "--force"]);
  await removeLabFiles();
  await releaseHost(labFolder, { say });
  await rm(labFolder, { recursive: true, force: true });
  say("The lab is gone. What was built for it stays in .bramble, so that the next one is there sooner.");
  return 0;
}

/** A worker with a job would be waited for; whoever takes the lab down has decided. */
async function endJobs(say: (line: string) => void): Promise<void> {
  try {
    const { slurm, connectTo } = await labAccess();
    const connection = await connectTo(slurm.controller, 20);
    const { stdout } = await connection.run(
      "squeue --noheader --format '%i %j'; scancel --user demo; scancel --user root",
    );
    connection.close();
    for (const job of stdout.trim().split("\n").filter(Boolean)) say(`ended job ${job}`);
  } catch (error) {
    say(`Jobs were not ended: ${error instanceof Error ? error.message : String(error)}`);
  }
}
