import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type RunOptions, type RunResult, tryRun } from "../../tools/lib/run.ts";

/**
 * A machine beside this one, on the same kernel: its own processes, network, host name, and folders of libvirt and sshd,
 * and everything else shared. It ends, with all that runs in it, when it is stopped or when this process ends.
 */
export interface PrivateMachine {
  /** The machine's first process, as this machine counts; `nsenter -t` takes it. */
  pid: number;
  /** The command that runs the given one in there. */
  inside(command: readonly string[]): [string, ...string[]];
  /** Runs a command in there; an exit code other than 0 is an answer. */
  run(command: readonly string[], options?: RunOptions): Promise<RunResult>;
  stop(): Promise<void>;
}

export interface PrivateMachineOptions {
  /** Its host name. */
  name: string;
  /** Access to its /dev/kvm, where this machine has one: 660 for group kvm as udev sets it, or 600 for root alone. */
  kvmMode?: "600" | "660";
}

/** Why private machines cannot be made here, or undefined where they can. */
export async function whyNoPrivateMachine(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it takes root on Linux";
  const tried = await tryRun(["unshare", ...namespaces, "true"]);
  return tried.code === 0 ? undefined : `it takes namespaces: ${tried.stderr.trim()}`;
}

/** Starts a private machine and waits until it is there. */
export async function startPrivateMachine({ name, kvmMode = "660" }: PrivateMachineOptions): Promise<PrivateMachine> {
  const disk = await mkdtemp("/var/tmp/bramble-machine-");
  await chmod(disk, 0o755);
  const script = fileURLToPath(new URL("private-machine.sh", import.meta.url));
  const child = spawn("unshare", [...namespaces, "--kill-child", "--", "bash", script, name, disk, kvmMode], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stop = async () => {
    // Its first process ends with its standard input, ends the others and removes the files.
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    // Only a machine that did not come up has left some.
    await rm(disk, { recursive: true, force: true });
  };
  try {
    await isReady(child, name);
    const pid = await onlyChildOf(child);
    const inside = (command: readonly string[]): [string, ...string[]] => {
      return ["nsenter", "--target", String(pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--", ...command];
    };
    return { pid, inside, run: (command, options) => tryRun(inside(command), options), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--fork"];

async function isReady(child: ChildProcess, name: string): Promise<void> {
  if (child.stdout === null || child.stderr === null) throw new Error("a machine's output is not a pipe");
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString("utf8");
  });
  for await (const line of createInterface({ input: child.stdout })) if (line === "ready") return;
  throw new Error(`the machine ${name} did not come up: ${complaint.trim()}`);
}

async function onlyChildOf(parent: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8");
  return Number(children.trim());
}
