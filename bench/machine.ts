import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { versions } from "node:process";

/** One line that says where, on what and when figures were taken, and how busy the machine was just before. */
export function machine(): string {
  const processors = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`;
  const load = loadavg()[0]?.toFixed(2) ?? "unknown";
  return [
    `${processors[0]?.model.trim() ?? arch()}, ${processors.length} cores, ${memory}`,
    `${type()} ${release()}`,
    `Node ${versions.node}`,
    `load ${load} before`,
    new Date().toISOString().slice(0, 10),
  ].join("; ");
}
