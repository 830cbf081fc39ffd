import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process named so that it cannot be mistaken for a later one with the same number:
 * process numbers are used again, also after a reboot.
 */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever unit the system tells it; only compared. */
  start: string;
  /** The run of the machine that it belongs to. */
  boot: string;
}

/** What is told of this run of the machine: another value after each boot. */
export function bootId(): string {
  if (process.platform === "linux") return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return execFileSync("sysctl", ["-n", "kern.bootsessionuuid"], { encoding: "utf8" }).trim();
}

/** The identity of a running process, or undefined when there is none with this number. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = process.platform === "linux" ? startInProc(pid) : startFromPs(pid);
  return start === undefined ? undefined : { pid, start, boot: bootId() };
}

/** True as long as exactly this process runs. */
export function isRunning(known: ProcessIdentity): boolean {
  const now = identify(known.pid);
  return now !== undefined && now.start === known.start && now.boot === known.boot;
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)): clock ticks since boot. A zombie has ended and does not count. */
function startInProc(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const start = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return start === "" ? undefined : start;
  } catch (error) {
    // ps says "no such process" by exit code 1 and nothing else.
    if (error instanceof Error && "status" in error && error.status === 1) return undefined;
    throw error;
  }
}
