import { naturalOrder } from "../natural-order.ts";
import { parseLine } from "./line.ts";
import type { SiteSummary } from "./summary.ts";

/** A summary as the rules look at it; everything is in natural order of its name. */
export interface Outline {
  readonly boards: ReadonlyMap<string, BoardOutline>;
  /** Where each is, as address and path. */
  readonly storages: ReadonlyMap<string, string>;
  readonly clusters: ReadonlyMap<string, ClusterOutline>;
  readonly vms: ReadonlyMap<string, VmOutline>;
}

export interface BoardOutline {
  readonly serial: string | undefined;
  /** The storage that it uses. */
  readonly storage: string | undefined;
  /** The release of its bootloader, as a date. */
  readonly bootloader: string | undefined;
  /** Whether that one is meant even if it is older. */
  readonly downgrade: boolean;
  readonly lost: boolean;
}

export interface ClusterOutline {
  readonly type: string;
  readonly disposable: boolean;
  readonly k3s: K3sOutline | undefined;
}

/** What a k3s cluster begins with, and the release that it has come to. */
export interface K3sOutline {
  readonly version: string;
  readonly ca: string;
  readonly token: string;
  readonly pods: string;
  readonly services: string;
}

export interface VmOutline {
  readonly name: string;
  readonly cluster: string;
  readonly role: string;
  readonly host: string;
  /** Another one is another VM. */
  readonly make: string;
  readonly data: DataDisk | undefined;
}

export interface DataDisk {
  /** As `8GiB`. */
  readonly size: string;
  /** The name of a storage, or `HOST:FOLDER`. */
  readonly at: string;
}

/** Reads a summary back. @throws when it is none, which is a damaged state. */
export function outlineOf({ boards, storages, clusters, vms }: SiteSummary): Outline {
  return {
    boards: each(boards, (_, line) => readBoard(line)),
    storages: each(storages, (_, line) => parseLine(line).what),
    clusters: each(clusters, (_, line) => readCluster(line)),
    vms: each(vms, readVm),
  };
}

function readBoard(line: string): BoardOutline {
  const { known } = parseLine(line);
  return {
    serial: known.get("serial"),
    storage: known.get("storage"),
    bootloader: known.get("bootloader"),
    downgrade: known.has("downgrade"),
    lost: known.has("lost"),
  };
}

function readCluster(line: string): ClusterOutline {
  const { what, known } = parseLine(line);
  const [version, pods, services] = [known.get("version"), known.get("pods"), known.get("services")];
  const [ca, token] = [known.get("ca"), known.get("token")];
  const isWhole = version !== undefined && pods !== undefined && services !== undefined;
  const k3s = isWhole && ca !== undefined && token !== undefined ? { version, ca, token, pods, services } : undefined;
  return { type: what, disposable: known.has("disposable"), k3s };
}

function readVm(name: string, line: string): VmOutline {
  const { what, known } = parseLine(line);
  const [role, host, make] = [known.get("role"), known.get("host"), known.get("make")];
  if (role === undefined || host === undefined || make === undefined)
    throw new Error(`the state has of VM ${name}: ${JSON.stringify(line)}, which says no role, host or make`);
  const [size, at] = [known.get("data"), known.get("at")];
  const data = size === undefined || at === undefined ? undefined : { size, at };
  return { name, cluster: what, role, host, make, data };
}

function each<T>(
  lines: Readonly<Record<string, string>>,
  read: (name: string, line: string) => T,
): ReadonlyMap<string, T> {
  const named = Object.entries(lines).sort(([a], [b]) => naturalOrder(a, b));
  return new Map(named.map(([name, line]) => [name, read(name, line)]));
}
