import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { tryRun } from "../../lib/run.ts";
import { asUser, qemuUser } from "./kvm-node.ts";
import { type ProbeGuest, probeGuest } from "./probe-guest.ts";
import type { HostState } from "./state.ts";

/** Which accelerator VMs get on this machine, and why. */
export type AccelAnswer = NonNullable<HostState["accel"]>;

/** How one run of the probe's guest ended. */
export interface ProbeRun {
  /** What went wrong, or undefined when the guest got there. */
  failure?: string;
  seconds: number;
}

/** Seconds that a guest may take; natively it takes half of one, BIOS included. */
const defaultPatience = 15;

/**
 * Boots a tiny guest with KVM, as libvirt would run it (its user, the machine's own processor), and decides.
 * Opening /dev/kvm proves little: in VMs whose host does not pass virtualisation on, QEMU can fail later, or KVM can
 * emulate each instruction and be slower than QEMU's own emulation. So KVM has to get there, and not later than TCG.
 */
export async function probeAccel(signal?: AbortSignal): Promise<AccelAnswer> {
  if (!existsSync("/dev/kvm")) return { accel: "tcg", reason: "this machine has no /dev/kvm" };
  const guest = probeGuest();
  if (guest === undefined) return { accel: "tcg", reason: `there is no probe for ${process.arch} processors` };
  const folder = await mkdtemp(`${tmpdir()}/bramble-probe-`);
  try {
    // mkdtemp makes the folder private, but QEMU runs as another user.
    await chmod(folder, 0o755);
    const image = `${folder}/guest`;
    await writeFile(image, guest.image);
    const kvm = await bootProbe(guest, image, "kvm", signal);
    return decide(kvm, kvm.failure === undefined ? await bootProbe(guest, image, "tcg", signal) : undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The decision from the run with KVM, and from the one without, which is needed only when the first got there. */
export function decide(kvm: ProbeRun, tcg: ProbeRun | undefined): AccelAnswer {
  if (kvm.failure !== undefined) return { accel: "tcg", reason: `a guest does not run with KVM: ${kvm.failure}` };
  if (tcg === undefined || tcg.failure !== undefined) return { accel: "kvm", reason: "a guest runs with KVM" };
  const times = `${kvm.seconds.toFixed(2)} s with KVM, ${tcg.seconds.toFixed(2)} s emulated`;
  if (kvm.seconds > tcg.seconds) return { accel: "tcg", reason: `a guest runs slower with KVM than without: ${times}` };
  return { accel: "kvm", reason: `a guest runs with KVM: ${times}` };
}

/** Runs the guest once with an accelerator of QEMU, as libvirt's QEMU user where this process may become that. */
export async function bootProbe(
  guest: ProbeGuest,
  image: string,
  accel: "kvm" | "tcg",
  signal?: AbortSignal,
  patience = defaultPatience,
): Promise<ProbeRun> {
  const processor = accel === "kvm" ? "host" : "max";
  const qemu: [string, ...string[]] = [guest.qemu, ...guest.args(image), "-accel", accel, "-cpu", processor];
  const user = process.getuid?.() === 0 ? await qemuUser() : undefined;
  const start = performance.now();
  const ended = await tryRun(user === undefined ? qemu : asUser(user, qemu), {
    timeout: patience * 1000,
    ...(signal === undefined ? {} : { signal }),
  });
  const seconds = (performance.now() - start) / 1000;
  if (ended.code === guest.success && ended.stdout.includes(guest.says)) return { seconds };
  if (seconds >= patience) return { seconds, failure: `it did not get anywhere in ${patience} seconds` };
  const said =
    ended.stderr.split("\n").find((line) => /error|fail|not |denied/i.test(line)) ?? `exit code ${ended.code}`;
  return { seconds, failure: said.trim() };
}
