import { startLibvirt, stopLibvirt } from "./daemons.ts";
import { type AccelAnswer, probeAccel } from "./kvm.ts";
import { openKvmNode, restoreKvmNode } from "./kvm-node.ts";
import { ensurePackages } from "./packages.ts";
import { readHostState, writeHostState } from "./state.ts";

export interface PrepareOptions {
  signal?: AbortSignal;
  /** Called with each thing that was found or done, as a sentence for the user. */
  say?: (sentence: string) => void;
  /** Called with each line of the programs that run for long. */
  onLine?: (line: string) => void;
}

/**
 * Makes this machine ready to hold the lab: packages, /dev/kvm, the accelerator, libvirt. Does nothing where all is
 * done; after a reboot of the machine it is all done again. What it changes is recorded in the folder (host.json).
 */
export async function prepareHost(folder: string, options: PrepareOptions = {}): Promise<AccelAnswer> {
  const { say = () => {}, signal } = options;
  const installed = await ensurePackages(options);
  if (installed.length > 0) say(`installed ${installed.join(", ")}`);
  await prepareKvmNode(folder, say);
  const answer = await accelOnce(folder, signal);
  say(`VMs run ${answer.accel === "kvm" ? "with KVM" : "emulated (TCG)"}: ${answer.reason}`);
  const started = await startLibvirt(folder, signal);
  if (started.length > 0) say(`started ${started.join(", ")}`);
  return answer;
}

/** Undoes on this machine what {@link prepareHost} did, packages apart. What was there before stays as it was. */
export async function releaseHost(folder: string, options: PrepareOptions = {}): Promise<void> {
  const { say = () => {} } = options;
  const { stopped, kept } = await stopLibvirt(folder);
  if (stopped.length > 0) say(`stopped ${stopped.join(", ")}`);
  if (kept !== undefined) {
    say(`libvirt stays: ${kept}`);
    return;
  }
  const { kvmNode, ...state } = await readHostState(folder);
  if (kvmNode !== undefined) await restoreKvmNode(kvmNode);
  await writeHostState(folder, state);
}

async function prepareKvmNode(folder: string, say: (sentence: string) => void): Promise<void> {
  const before = await openKvmNode(async (found) => {
    // What a killed command recorded is how the node really was.
    const state = await readHostState(folder);
    await writeHostState(folder, { ...state, kvmNode: state.kvmNode ?? found });
  });
  if (before !== undefined) say("opened /dev/kvm to the group kvm (mode 0660), as udev does");
}

/** The probe's answer holds until the machine is booted again. */
async function accelOnce(folder: string, signal?: AbortSignal): Promise<AccelAnswer> {
  const known = (await readHostState(folder)).accel;
  if (known !== undefined) return known;
  const accel = await probeAccel(signal);
  await writeHostState(folder, { ...(await readHostState(folder)), accel });
  return accel;
}
