import type { Host, Machine, Plan } from "./model.ts";

/** Machines of a host to which the same happens. */
export interface Part {
  readonly names: readonly string[];
  /** The first of them. */
  readonly machine: Machine;
  /** A machine of another host that the details are told for. */
  readonly like?: string;
  /** The machines of other hosts for which they are told here. */
  readonly also: readonly string[];
}

/** A part that is being put together. */
interface Draft extends Part {
  readonly names: string[];
  readonly also: string[];
}

/** Hosts to which the same happens, and what that is. */
export interface Group {
  /** Empty: what is of no host. */
  readonly hosts: readonly string[];
  readonly parts: readonly Part[];
}

/** A plan without saying the same twice: a change to sixty boards is told once, for all of them. */
export function groupsOf({ hosts }: Pick<Plan, "hosts">): Group[] {
  const told = new Map<string, Draft>();
  const groups: { readonly hosts: string[]; readonly parts: readonly Draft[] }[] = [];
  const alone = new Map<string, (typeof groups)[number]>();
  for (const { host, machines } of hosts) {
    const only = onlyBoard({ host, machines });
    const same = only && alone.get(shapeOf(only));
    if (only !== undefined && same !== undefined) {
      same.hosts.push(only.name);
      same.parts[0]?.names.push(only.name);
      continue;
    }
    const group = { hosts: host === null ? [] : [host], parts: partsOf(machines, told) };
    groups.push(group);
    if (only !== undefined) alone.set(shapeOf(only), group);
  }
  return groups;
}

function partsOf(machines: readonly Machine[], told: Map<string, Draft>): Draft[] {
  const parts = new Map<string, Draft>();
  for (const machine of machines) {
    const shape = shapeOf(machine);
    const before = told.get(shape);
    before?.also.push(machine.name);
    const there = parts.get(shape);
    if (there !== undefined) there.names.push(machine.name);
    else parts.set(shape, { names: [machine.name], machine, also: [], ...(before && { like: before.machine.name }) });
  }
  for (const [shape, part] of parts) if (hasDetails(part.machine) && !told.has(shape)) told.set(shape, part);
  return [...parts.values()];
}

/** The board of a host on which nothing else changes. */
function onlyBoard({ host, machines }: Host): Machine | undefined {
  const [machine] = machines;
  return machines.length === 1 && machine !== undefined && machine.name === host ? machine : undefined;
}

function hasDetails({ files, settings, secrets }: Machine): boolean {
  return files.length + settings.length + secrets.length > 0;
}

/** What happens to a machine, whatever it is called, and whatever stands around the lines that differ. */
function shapeOf({ name, steps: _, files, ...rest }: Machine): string {
  const differ = files.map(({ diff, ...file }) => ({ ...file, diff: diff.match(/^[-+].*$/gm) }));
  return JSON.stringify({ ...rest, differ }).replaceAll(
    new RegExp(`(?<![A-Za-z0-9-])${name}(?![A-Za-z0-9-])`, "g"),
    "{name}",
  );
}
