import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type SshTarget } from "../../providers/transport/ssh.ts";
import { lookAgain, NotBack, NotDrained, pauseUnlessAborted } from "./nodes.ts";

/** VMs on a host, as libvirt calls them. */
export interface Domains {
  readonly host: SshTarget;
  readonly names: readonly string[];
  readonly deployKey: string;
}

/** How long the host may take to let us in, in seconds. */
const reachPatience = 30;
/** How often a guest is asked again to shut down, in seconds: one that boots does not hear it. */
const askAgain = 15;

/** Shuts VMs down in good order. @throws NotDrained when the time is up or it is interrupted; all are started again then */
export async function stopVms(domains: Domains, patience: number, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  for (let asked = Number.NEGATIVE_INFINITY; ; ) {
    const isDue = seconds() - asked >= askAgain;
    if (isDue) asked = seconds();
    const running = (await onHost(domains, isDue ? "stop" : "look")).filter(([, state]) => state !== "shut off");
    if (running.length === 0) return;
    if (signal.aborted || seconds() > patience) {
      await onHost(domains, "start");
      const names = running.map(([name]) => name).join(" and ");
      const why = signal.aborted ? "it was interrupted" : `${names} did not shut down within ${patience} s`;
      throw new NotDrained(`${domains.host.name} was not restarted: ${why}. Its VMs are started again`);
    }
    await pauseUnlessAborted(signal);
  }
}

/** Waits until all VMs run that the host knows: libvirt starts them with it. @throws NotBack when they don't in time */
export async function vmsRun(domains: Domains, patience: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + patience * 1000;
  for (;;) {
    const words = await onHost(domains, "look").then(whatDoesNotRun, (error: Error) => `its VMs: ${error.message}`);
    if (words === "") return;
    if (performance.now() > end) throw new NotBack(`after ${patience} s ${domains.host.name} does not run ${words}`);
    await delay(lookAgain, undefined, { signal });
  }
}

function whatDoesNotRun(states: Awaited<ReturnType<typeof onHost>>): string {
  const others = states.filter(([, state]) => state !== "running");
  return others.map(([name, state]) => `${name} (${state})`).join(" and ");
}

/** Starts those that are off. */
export async function startVms(domains: Domains): Promise<void> {
  await onHost(domains, "start");
}

async function onHost(
  { host, names, deployKey }: Domains,
  step: "look" | "stop" | "start",
): Promise<readonly (readonly [name: string, state: string])[]> {
  if (names.length === 0) return [];
  const script = await readFile(new URL("vms.sh", import.meta.url), "utf8");
  const connection = await connect(host, deployKey, { patience: reachPatience });
  try {
    const { code, stdout, stderr } = await connection.run(script, [step, ...names]);
    if (code !== 0) throw new Error(`libvirt on ${host.name} does not answer: ${stderr.trim()}`);
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => {
      const [name = ""] = line.split(" ", 1);
      return [name, line.slice(name.length + 1)] as const;
    });
  } finally {
    connection.close();
  }
}
