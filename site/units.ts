import { type Parsed, show } from "./problem.ts";

/** Amounts of memory and disk, and spans of time, as people write them. */

export const sizePattern = "^[0-9]+(MiB|GiB|TiB)$";
export const durationPattern = "^[0-9]+(s|m|h|d)$";

const mebibytes: Readonly<Record<string, number>> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };
const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const most = 1024 * mebibytesOf("TiB");

/** Reads `4GiB` or `512MiB`; returns MiB. Only binary units and whole numbers: one way to say each amount. */
export function parseSize(text: string): Parsed<number> {
  const [, digits = "", unit = ""] = /^(\d+)(MiB|GiB|TiB)$/.exec(text) ?? [];
  const value = Number(digits) * (mebibytes[unit] ?? 0);
  if (digits !== "" && value > 0 && value <= most) return { value };
  return { message: `${show(text)} is not an amount of memory or disk`, hint: sizeHint(text) };
}

/** Reads `30m`, `24h`, `90s` or `2d`; returns seconds. */
export function parseDuration(text: string): Parsed<number> {
  const [, digits = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const value = Number(digits) * (seconds[unit] ?? 0);
  if (digits !== "" && value > 0) return { value };
  const guess = /^([1-9]\d{0,5})\s*(s|m|h|d)[a-z]*$/i.exec(text);
  const written = guess === null ? "30m, 24h, 90s or 2d" : `${guess[1]}${guess[2]?.toLowerCase()}`;
  return { message: `${show(text)} is not a span of time`, hint: `write ${written}` };
}

/** MiB as text, in the largest unit that is exact: `4GiB`, `7680MiB` as `7.5GiB`. For messages only. */
export function printSize(mib: number): string {
  if (mib < 1024) return `${mib}MiB`;
  return `${Number((mib / 1024).toFixed(1))}GiB`;
}

function mebibytesOf(unit: string): number {
  return mebibytes[unit] ?? 0;
}

function sizeHint(text: string): string {
  const [, digits = "", prefix = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt])(?:i?b)?$/i.exec(text) ?? [];
  const unit = `${prefix.toUpperCase()}iB`;
  const inMebibytes = Number(digits) * mebibytesOf(unit);
  if (inMebibytes === 0) return "write a whole number with MiB, GiB or TiB, such as 512MiB or 4GiB";
  return `write ${digits.includes(".") ? `${Math.round(inMebibytes)}MiB` : digits + unit}`;
}
