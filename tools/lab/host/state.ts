import { mkdir, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { readIfThere } from "../../lib/files.ts";
import { bootId } from "../../lib/process.ts";

const identity = z.object({ pid: z.number().int(), start: z.string(), boot: z.string() });

const schema = z.object({
  /** The run of the machine that all of this is true of. */
  boot: z.string(),
  /** Daemons that the lab started, in that order; without a process: about to be started when the file was written. */
  daemons: z.array(z.object({ name: z.string(), process: identity.optional() })).default([]),
  /** systemd units that the lab started, in that order. */
  units: z.array(z.string()).default([]),
  /** Names of the network interfaces before libvirt was started. */
  linksBefore: z.array(z.string()).default([]),
  /** Whether libvirt's chains were in the packet filter before libvirt was started. */
  rulesBefore: z.boolean().default(false),
  /** Whether /run/libvirt was made by the daemons that the lab started. */
  runFolderIsOurs: z.boolean().default(false),
  /** Owner, group and mode of /dev/kvm before the lab changed them. */
  kvmNode: z.object({ uid: z.number(), gid: z.number(), mode: z.number() }).optional(),
  /** What the probe found. */
  accel: z.object({ accel: z.enum(["kvm", "tcg"]), reason: z.string() }).optional(),
});

/** What the lab did to this machine and knows of it, since the machine was booted. */
export type HostState = z.infer<typeof schema>;

/** Reads what is known in the lab's folder. What was known before the last boot of the machine no longer counts. */
export async function readHostState(folder: string): Promise<HostState> {
  const boot = bootId();
  const text = await readIfThere(hostFile(folder));
  if (text === undefined) return schema.parse({ boot });
  const known = schema.safeParse(JSON.parse(text));
  if (!known.success) throw new Error(`${hostFile(folder)} is not as bramble wrote it; if no lab runs, delete it`);
  return known.data.boot === boot ? known.data : schema.parse({ boot });
}

/** Writes what is known, so that a power cut leaves the old or the new file. */
export async function writeHostState(folder: string, state: HostState): Promise<void> {
  await mkdir(folder, { recursive: true });
  const aside = `${hostFile(folder)}.new`;
  await writeFile(aside, `${JSON.stringify(state, null, 2)}\n`, { flush: true });
  await rename(aside, hostFile(folder));
}

function hostFile(folder: string): string {
  return `${folder}/host.json`;
}
