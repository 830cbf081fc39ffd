import type { Host, Site, Vm } from "../../site/model.ts";
import { vcpusOf } from "../../site/placement.ts";
import { printSize } from "../../site/units.ts";

/** Larger sites are summed up in one line. */
const mostHostsListed = 20;

/** What a site comes to: how many of everything, and how full each host is. With `why`, each VM and its place. */
export function summary(site: Site, why: boolean): string {
  const { hosts, vms, clusters, users } = site;
  const counts = [count(hosts, "host"), count(vms, "VM"), count(clusters, "cluster"), count(users, "user")];
  if (site.boot !== undefined) counts.unshift(`${count(site.boot.boards, "board")} booting over the network`);
  const lines = [`${site.name}: ${counts.join(", ")}`];
  if (why) lines.push(...columns(vms.map((vm) => [`  ${vm.name}`, `on ${vm.host}`, vm.placement])));
  else if (hosts.length <= mostHostsListed) lines.push(...columns(hosts.map((host) => load(host, vms))));
  return `${lines.join("\n")}\n`;
}

function load(host: Host, vms: readonly Vm[]): string[] {
  const here = vms.filter((vm) => vm.host === host.name);
  const sum = (of: (vm: Vm) => number) => here.reduce((total, vm) => total + of(vm), 0);
  return [
    `  ${host.name}`,
    count(here, "VM"),
    `${printSize(sum((vm) => vm.memoryMiB))} of ${printSize(host.memoryMiB)} memory`,
    `${sum((vm) => vm.cpus)} of ${vcpusOf(host)} virtual CPUs`,
    `${sum((vm) => vm.diskGiB + (vm.dataGiB ?? 0))} of ${host.diskGiB}GiB disk`,
  ];
}

function count(items: readonly unknown[], what: string): string {
  return `${items.length} ${what}${items.length === 1 ? "" : "s"}`;
}

/** Rows with cells of one column under each other. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
