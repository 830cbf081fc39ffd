import { naturalOrder } from "../../site/natural-order.ts";
import { printSize } from "../../site/units.ts";
import { parseUrn } from "../stack/urn.ts";
import { type Change, changesOf } from "./changes.ts";
import { type Differences, differencesOf } from "./differences.ts";
import { bySeverity, type Effect, effectOf, rank } from "./effects.ts";
import type { Preview } from "./events.ts";
import type { Host, Machine, Plan } from "./model.ts";
import { orderOf } from "./order.ts";
import { type Belongings, hostOf, type Owner, ownerOf } from "./owner.ts";
import type { Said } from "./refusals.ts";

/** The plan that a preview is, machine by machine; hosts to which the worst happens come first. */
export function planOf(stack: string, preview: Preview, { refusals, warnings }: Said): Plan {
  const changes = changesOf(preview.steps);
  const machines = belongingsOf(changes).filter(({ changes }) => changes.some(({ kind }) => kind !== "same"));
  const counts = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  for (const { kind } of changes) counts[kind]++;
  const changed = changes.length - counts.same;
  return {
    schemaVersion: 1,
    stack,
    verdict: refusals.length > 0 ? "refused" : changed > 0 ? "changes" : "nothing",
    counts,
    refusals: [...refusals],
    warnings: [...warnings],
    order: orderOf(machines),
    hosts: hostsOf(machines),
  };
}

function belongingsOf(changes: readonly Change[]): Belongings[] {
  const all = new Map<string, { readonly owner: Owner; readonly changes: Change[] }>();
  for (const change of changes) {
    const owner = ownerOf(change);
    const key = `${owner.kind} ${owner.name}`;
    const there = all.get(key);
    if (there === undefined) all.set(key, { owner, changes: [change] });
    else there.changes.push(change);
  }
  return [...all.values()];
}

function hostsOf(all: readonly Belongings[]): Host[] {
  const hosts = new Map<string | null, Machine[]>();
  for (const belongings of all) {
    const { host, machine } = machineOf(belongings);
    if (isEmpty(machine)) continue;
    const machines = hosts.get(host) ?? [];
    machines.push(machine);
    hosts.set(host, machines);
  }
  const worst = ({ machines }: Host) => Math.min(...machines.map(({ effects }) => rank(effects[0])));
  return [...hosts]
    .map(([host, machines]) => ({ host, machines: machines.sort(boardFirst) }))
    .sort((a, b) => worst(a) - worst(b) || naturalOrder(a.host ?? "", b.host ?? ""));
}

function boardFirst(a: Machine, b: Machine): number {
  const isVm = ({ kind }: Machine) => (kind === "vm" ? 1 : 0);
  return isVm(a) - isVm(b) || rank(a.effects[0]) - rank(b.effects[0]) || naturalOrder(a.name, b.name);
}

/** The stack itself, and components that only hold others, are no news by themselves. */
function isEmpty({ kind, action, steps }: Machine): boolean {
  return steps.length === 0 && (action === "changed" || kind === "site");
}

function machineOf({ owner, changes }: Belongings): { readonly host: string | null; readonly machine: Machine } {
  const news = changes.filter(({ kind, type }) => kind !== "same" && !follows.some((end) => type.endsWith(end)));
  const was = changes.map(({ old }) => hostOf(old)).find((host) => host !== undefined);
  const is = changes.map((change) => hostOf(change.new)).find((host) => host !== undefined);
  const action = actionOf(owner, changes, was, is);
  const effects = bySeverity(news.flatMap((change) => effectOf(change, owner) ?? []));
  const isBorn = action === "new" || action === "removed";
  const differences: Told[] = news.map((change) => ({ change, of: differencesOf(change) }));
  const machine: Machine = {
    ...owner,
    action,
    ...(action === "moved" && was !== undefined && { from: was }),
    effects: action === "new" ? [] : effects.filter((effect) => action !== "removed" || ofRemoved.includes(effect)),
    // The engine's order is another one each time.
    files: isBorn
      ? []
      : sorted(
          differences.flatMap(({ of }) => of.files),
          ({ file }) => file,
        ),
    settings: isBorn
      ? sizeOf(action, news)
      : sorted(
          [
            ...differences.flatMap(({ change, of }) => settingsOf(owner, change, of)),
            ...guestImages(owner, news),
          ].filter(
            ({ setting }) => action !== "moved" || !/^(machine|places)\./.test(setting), // where it is has been said
          ),
          ({ setting }) => setting,
        ),
    secrets: sorted(
      [...new Set([...differences.flatMap(({ of }) => of.secrets), ...seedOf(owner, action, differences)])],
      (name) => name,
    ),
    steps: sorted(
      news
        .filter(({ type }) => !type.startsWith("bramble:index:") && type !== "pulumi:pulumi:Stack")
        .map(({ kind, urn }) => ({ op: kind, resource: resourceOf(urn), urn })),
      ({ urn }) => urn,
    ),
  };
  const host = owner.kind === "vm" ? (is ?? was ?? null) : owner.kind === "board" ? owner.name : null;
  return { host, machine };
}

interface Told {
  readonly change: Change;
  readonly of: Differences;
}

/** The rest goes without saying. */
const ofRemoved: readonly Effect[] = ["deletes-data", "drains"];

function sorted<T>(things: readonly T[], by: (thing: T) => string): T[] {
  return [...things].sort((a, b) => naturalOrder(by(a), by(b)));
}

/** What sums up the rest of the site is no change by itself. */
const follows = [":PlanGuard", ":Roster"];

/** What a VM that is new has. */
function sizeOf(action: Machine["action"], news: readonly Change[]): Machine["settings"] {
  const domain = news.find(({ type }) => type.endsWith(":Domain"));
  if (action !== "new" || domain === undefined) return [];
  const { vcpu, memory } = domain.new?.inputs ?? {};
  return [
    { setting: "virtual CPUs", before: null, after: String(vcpu) },
    { setting: "memory", before: null, after: typeof memory === "number" ? printSize(memory) : null },
  ];
}

function actionOf(
  owner: Owner,
  changes: readonly Change[],
  was: string | undefined,
  is: string | undefined,
): Machine["action"] {
  const components = changes.filter(({ type }) => type.startsWith("bramble:index:"));
  const all = components.length > 0 ? components : changes;
  if (all.every(({ kind }) => kind === "create")) return "new";
  if (all.every(({ kind }) => kind === "delete")) return "removed";
  if (owner.kind === "vm" && was !== undefined && is !== undefined && was !== is) return "moved";
  const replaced = changes.filter(({ kind }) => kind === "replace").map(({ type }) => type.split(":").at(-1));
  if (owner.kind === "vm" && replaced.includes("Volume")) return "replaced";
  if (owner.kind === "board" && changes.some(isAnotherBoard)) return "replaced";
  return "changed";
}

/** The serial number tells one board from another in its place. */
function isAnotherBoard({ old, new: next }: Change): boolean {
  const [before, after] = [old?.inputs.device, next?.inputs.device];
  return typeof before === "string" && typeof after === "string" && before !== after;
}

/** Steps speak of files and settings by themselves; of other resources, the kind is said. */
function settingsOf(owner: Owner, { type, name }: Change, { settings }: Differences): Machine["settings"] {
  const kind = type.split(":").at(-1) ?? "";
  if (kind === "Command") return [...settings];
  const own = name === owner.name ? "" : name.startsWith(`${owner.name}/`) ? name.slice(owner.name.length) : ` ${name}`;
  return settings.map(({ setting, ...values }) => ({ setting: `${kind}${own} ${setting}`, ...values }));
}

/**
 * A VM's system disk is made anew for another seed, by a trigger that the engine does not show. Where nothing else
 * tells why, it is the part of the seed that is secret.
 */
function seedOf(owner: Owner, action: Machine["action"], all: readonly Told[]): Machine["secrets"] {
  if (owner.kind !== "vm" || action !== "replaced") return [];
  const own = (type: string) => all.find(({ change }) => change.name === owner.name && change.type.endsWith(type));
  const disk = own(":Volume");
  const isTold = [disk, own(":CloudinitDisk")].some(
    (told) => told && told.of.files.length + told.of.settings.length > 0,
  );
  return disk?.change.kind === "replace" && !isTold ? ["user-data"] : [];
}

/** Images for guests that come to a host or go, each of which is several volumes. */
function guestImages(owner: Owner, news: readonly Change[]): Machine["settings"] {
  if (owner.kind !== "board") return [];
  const images = new Map(
    news
      .filter(({ type, kind }) => type.endsWith(":Volume") && (kind === "create" || kind === "delete"))
      .map(({ name, kind }) => [name.split("/")[1] ?? name, kind]),
  );
  return [...images].map(([image, kind]) => ({
    setting: "guest image",
    before: kind === "delete" ? image : null,
    after: kind === "create" ? image : null,
  }));
}

/** `Domain physics-n1`. */
function resourceOf(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${type.split(":").at(-1)} ${name}`;
}
