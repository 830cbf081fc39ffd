// Reads config.txt and bootconf.txt a second time, apart from formats/, on purpose: a double that shared the project's
// own reader would share its mistakes, and could not notice them.
import { models, type PiModel } from "./models.ts";

/** The settings in force, in the order in which they stand; a name may occur more than once. */
export type Settings = readonly (readonly [name: string, value: string])[];

export interface FilterFacts {
  readonly model: PiModel;
  /** Hex digits. */
  readonly serial: string;
}

/** Gives the file of an `include` line, or undefined where there is none; the line is passed over then. */
export type Include = (name: string) => Promise<Uint8Array | undefined>;

/**
 * Reads it as the firmware does (reference §1.1, §1.4, §5): a line counts up to its 98th character, what follows a
 * byte that is not ASCII is lost, a filter that nobody knows is true. Without `include`, such lines are passed over.
 * @throws Error for a filter that the firmware knows and this double does not.
 */
export async function readSettings(bytes: Uint8Array, facts: FilterFacts, include?: Include): Promise<Settings> {
  const lines = await flatLines(bytes, include, 0);
  const settings: [string, string][] = [];
  let filters = new Map<string, boolean>();
  for (const line of lines) {
    const [, filter] = /^\[(.*)\]$/.exec(line) ?? [];
    if (filter === "all") filters = new Map();
    else if (filter !== undefined) filters.set(...judged(filter, facts));
    else if (![...filters.values()].includes(false)) settings.push(...setting(line));
  }
  return settings;
}

/** The last value of a name, or undefined. */
export function lastOf(settings: Settings, name: string): string | undefined {
  return settings.findLast(([each]) => each === name)?.[1];
}

/** All values of a name. */
export function allOf(settings: Settings, name: string): readonly string[] {
  return settings.filter(([each]) => each === name).map(([, value]) => value);
}

async function flatLines(bytes: Uint8Array, include: Include | undefined, depth: number): Promise<string[]> {
  if (depth > deepestInclude) return [];
  const foreign = bytes.findIndex((byte) => byte > 0x7f);
  const text = Buffer.from(foreign < 0 ? bytes : bytes.subarray(0, foreign)).toString("latin1");
  const lines: string[] = [];
  for (const whole of text.split("\n")) {
    const line = whole.slice(0, longestLine).trim();
    const [, name] = /^include\s+(\S+)$/.exec(line) ?? [];
    if (name === undefined) lines.push(line);
    else {
      const more = await include?.(name);
      if (more !== undefined) lines.push(...(await flatLines(more, include, depth + 1)));
    }
  }
  return lines;
}

const longestLine = 98;
/** Only so that a file which includes itself has an end. */
const deepestInclude = 10;

function setting(line: string): [string, string][] {
  if (line === "" || line.startsWith("#")) return [];
  // "initramfs NAMES followkernel" has no equals sign.
  const [, name, value] = /^(initramfs)\s+(.*)$/.exec(line) ?? /^([^=]+)=(.*)$/.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [[name, value]];
}

/** Filters of one kind replace each other; those of different kinds must all be true. */
function judged(filter: string, { model, serial }: FilterFacts): [kind: string, holds: boolean] {
  if (filter === "none") return ["none", false];
  if (filter === "tryboot") return ["tryboot", false];
  if (modelFilters.has(filter)) return ["model", models[model].filters.includes(filter)];
  if (/^0x[0-9a-f]{1,8}$/i.test(filter)) return ["serial", Number(filter) === Number(`0x${serial.slice(-8)}`)];
  if (/^(gpio\d|EDID=|board-type=)|[=&<>]/.test(filter)) throw new Error(`this double does not know [${filter}]`);
  return [filter, true];
}

const modelFilters = new Set(["pi0", "pi1", "pi2", "pi3", ...Object.values(models).flatMap(({ filters }) => filters)]);
