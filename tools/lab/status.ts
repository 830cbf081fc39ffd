import { existsSync } from "node:fs";
import { watcher } from "../status/command.ts";
import { statusText } from "../status/text.ts";
import { libvirtAnswers } from "./host/virsh.ts";
import { labStack, labStackFile } from "./stack.ts";

/** Prints what there is of the lab: this machine, and each VM with its state in libvirt and in Slurm. */
export async function labStatus(say: (line: string) => void): Promise<void> {
  if (!existsSync(labStackFile)) return say("There is no lab. Make one: npm run lab");
  if (!(await libvirtAnswers()))
    return say("libvirt does not run (was the machine rebooted?). Start the lab again: npm run lab");
  const status = await (await watcher(labStack))();
  say(statusText(status, { offsetMinutes: -new Date().getTimezoneOffset() }).trimEnd());
}
