import { type RunResult, run, tryRun } from "../../lib/run.ts";

/** The machine's own libvirt. */
export const localLibvirt = "qemu:///system";

/**
 * Runs virsh against this machine's libvirt and returns what it printed.
 * @throws RunError when it fails.
 */
export async function virsh(...args: string[]): Promise<string> {
  return (await run(commandOf(args), options)).stdout;
}

/** Like {@link virsh}, but failing is an answer. */
export function tryVirsh(...args: string[]): Promise<RunResult> {
  return tryRun(commandOf(args), options);
}

/** Whether libvirt answers; under systemd the question itself may start it. */
export async function libvirtAnswers(): Promise<boolean> {
  return (await tryVirsh("uri")).code === 0;
}

/** The names that virsh prints one per line (`list --name`, `net-list --name`). */
export async function virshNames(...args: string[]): Promise<string[]> {
  return (await virsh(...args, "--name"))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The `Key: value` lines of `net-info` and its like. */
export async function virshInfo(...args: string[]): Promise<Map<string, string>> {
  const pairs = (await virsh(...args)).split("\n").flatMap((line) => {
    const [, key, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  return new Map(pairs);
}

/** Messages are compared and shown, so they are always the English ones. A libvirt that hangs is one that does not answer. */
const options = { env: { ...process.env, LC_ALL: "C" }, timeout: 60_000 };

function commandOf(args: readonly string[]): [string, ...string[]] {
  return ["virsh", "-q", "-c", localLibvirt, ...args];
}
