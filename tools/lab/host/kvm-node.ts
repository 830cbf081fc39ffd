import { chmod, chown, readFile, stat } from "node:fs/promises";
import { tryRun } from "../../lib/run.ts";
import type { HostState } from "./state.ts";

const node = "/dev/kvm";

export type KvmNodeBefore = NonNullable<HostState["kvmNode"]>;

/**
 * Lets libvirt's QEMU user open /dev/kvm, as udev does on any desktop (group kvm, mode 0660), and returns how the node
 * was before; undefined when there was nothing to do. How it was is told to `record` before it is changed.
 *
 * This is done also where KVM does not work. libvirt probes QEMU with CAP_DAC_OVERRIDE and so finds KVM behind a node
 * of mode 0600, but then asks whether its QEMU user may open it, takes the "no" for a change of the machine, throws
 * the probe's result away, and probes again each time it needs a capability (qemu_capabilities.c,
 * virQEMUCapsIsValid): several seconds per look, a minute per start of a domain.
 */
export async function openKvmNode(
  record: (before: KvmNodeBefore) => Promise<void>,
): Promise<KvmNodeBefore | undefined> {
  const before = await nodeStat();
  if (before === undefined || process.getuid?.() !== 0) return undefined;
  const user = await qemuUser();
  if (user === undefined || (await canOpen(user))) return undefined;
  const group = await kvmGroup();
  if (group === undefined) return undefined;
  await record(before);
  await chown(node, 0, group);
  await chmod(node, 0o660);
  return before;
}

/** Gives the node back as it was, unless someone else changed it since. */
export async function restoreKvmNode(before: KvmNodeBefore): Promise<void> {
  const now = await nodeStat();
  if (now === undefined || now.mode !== 0o660 || now.uid !== 0 || now.gid !== (await kvmGroup())) return;
  await chmod(node, before.mode);
  await chown(node, before.uid, before.gid);
}

/** The user that libvirt runs QEMU as (qemu.conf, else Debian's and Ubuntu's own), or undefined where it does not exist. */
export async function qemuUser(): Promise<string | undefined> {
  const configured = await tryRead("/etc/libvirt/qemu.conf");
  const named = /^\s*user\s*=\s*"\+?([^"]+)"/m.exec(configured ?? "")?.[1] ?? "libvirt-qemu";
  return (await tryRun(["getent", "passwd", named])).code === 0 ? named : undefined;
}

/** The command, run by root as another user with all groups of that user. */
export function asUser(user: string, command: readonly string[]): [string, ...string[]] {
  return ["setpriv", `--reuid=${user}`, "--regid=nogroup", "--init-groups", "--", ...command];
}

/** The kernel decides, with groups and access lists. */
async function canOpen(user: string): Promise<boolean> {
  return (await tryRun(asUser(user, ["test", "-r", node, "-a", "-w", node]))).code === 0;
}

async function kvmGroup(): Promise<number | undefined> {
  const entry = await tryRun(["getent", "group", "kvm"]);
  return entry.code === 0 ? Number(entry.stdout.split(":")[2]) : undefined;
}

async function nodeStat(): Promise<KvmNodeBefore | undefined> {
  try {
    const { uid, gid, mode } = await stat(node);
    return { uid, gid, mode: mode & 0o777 };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function tryRead(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EACCES"))
      return undefined;
    throw error;
  }
}
