import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SecondHost } from "../../doubles/second-host.ts";

/** What libvirt on a host told about one of its domains. */
export interface LifecycleEvent {
  /** Milliseconds since 1970, by the host's clock. */
  readonly time: number;
  readonly domain: string;
  /** As virsh says it: "Defined Added", "Started Booted", "Stopped Shutdown", "Undefined Removed" … */
  readonly what: string;
}

/** Collects what happens to the domains of a host, into the list that it returns, until the host is stopped. */
export function watchDomains(host: SecondHost): readonly LifecycleEvent[] {
  const seen: LifecycleEvent[] = [];
  const virsh = ["virsh", "-c", "qemu:///system", "event", "--event", "lifecycle", "--loop", "--timestamp"];
  // virsh would keep what it prints to a pipe until it has some kilobytes.
  const [program, ...args] = host.inside(["stdbuf", "--output=L", ...virsh]);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, LC_ALL: "C" } });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, day, hour, domain, what] = eventLine.exec(line) ?? [];
    if (domain !== undefined && what !== undefined)
      seen.push({ time: Date.parse(`${day}T${hour}Z`), domain, what: what.trim() });
  });
  return seen;
}

/** `2024-05-01 10:00:00.123+0000: event 'lifecycle' for domain 'NAME': Started Booted` */
const eventLine = /^(\S+) (\S+)\+0000: event 'lifecycle' for domain '?([^':]+)'?: (.+)$/;
