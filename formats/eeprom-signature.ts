import { createHash } from "node:crypto";
import type { EepromImage } from "./eeprom-image.ts";
import type { Chip } from "./raspberry-pi.ts";

/** What a .sig file says of the image beside it. */
export interface EepromSignature {
  /** Of the whole image: 64 hex digits in lower case. */
  readonly sha256: string;
  /** In seconds since 1970. A board updates itself over the network only if this is above that of its last update. */
  readonly timestamp?: number;
  /** The chip that the image is for. Bootloaders up to now skip it. */
  readonly targetSoc?: Chip;
  /** A PKCS #1 signature, 512 hex digits in lower case; only boards with signed boot look at it. */
  readonly rsa2048?: string;
}

/** The bootloader keeps the time of its last update in 32 bits. */
const latest = 2 ** 32 - 1;

const hash = { form: /^[0-9a-f]{64}$/, words: "64 hex digits in lower case" };
/** The lines behind the hash, in their order. */
const lines = [
  { field: "timestamp", label: "ts: ", form: /^(0|[1-9]\d{0,9})$/, words: "seconds since 1970" },
  { field: "targetSoc", label: "target-soc: ", form: /^271[12]$/, words: "2711 or 2712" },
  { field: "rsa2048", label: "rsa2048: ", form: /^[0-9a-f]{512}$/, words: "512 hex digits in lower case" },
] as const satisfies readonly { field: keyof EepromSignature; label: string; form: RegExp; words: string }[];

/**
 * What is to lie beside an image for a board to update itself from it. Throws if the timestamp is not a whole number of
 * seconds from 1 to 2^32 - 1: a board skips an update of the time 0.
 */
export function eepromSignature(image: EepromImage, timestamp: number): EepromSignature {
  if (!Number.isInteger(timestamp) || timestamp < 1 || timestamp > latest) {
    throw new Error(
      `The timestamp ${timestamp} of an EEPROM update is not a whole number of seconds from 1 to ${latest}`,
    );
  }
  const sha256 = createHash("sha256").update(image.bytes).digest("hex");
  return { sha256, timestamp, targetSoc: image.chip };
}

/** The text of a .sig file (reference "Raspberry Pi boot" §3.6). Throws if a value has not the form of its line. */
export function printEepromSignature(signature: EepromSignature): string {
  if (!hash.form.test(signature.sha256)) throw malformed("sha256", signature.sha256, hash.words);
  let text = `${signature.sha256}\n`;
  for (const { field, label, form, words } of lines) {
    const value = signature[field];
    if (value === undefined) continue;
    if (!form.test(String(value))) throw malformed(field, String(value), words);
    text += `${label}${value}\n`;
  }
  return text;
}

/**
 * Reads a .sig file. Lines that it lacks, as files of older tools do, are undefined. Throws if it does not begin with a
 * SHA-256, and for a line that is twice there, unknown or not of its form.
 */
export function parseEepromSignature(text: string): EepromSignature {
  const [sha256 = "", ...rest] = text.replace(/\n$/, "").split("\n");
  if (!hash.form.test(sha256)) throw malformed("first line", sha256, hash.words);
  const values = new Map<(typeof lines)[number]["field"], string>();
  for (const content of rest) {
    const line = lines.find(({ label }) => content.startsWith(label));
    if (line === undefined) throw malformed("line", content, lines.map(({ label }) => label.trim()).join(", "));
    const value = content.slice(line.label.length);
    if (!line.form.test(value)) throw malformed(line.label.trim(), value, line.words);
    if (values.has(line.field)) throw new Error(`The signature of the EEPROM image has two lines ${line.label.trim()}`);
    values.set(line.field, value);
  }
  const timestamp = values.get("timestamp");
  const targetSoc = values.get("targetSoc");
  const rsa2048 = values.get("rsa2048");
  return {
    sha256,
    ...(timestamp === undefined ? {} : { timestamp: Number(timestamp) }),
    ...(targetSoc === undefined ? {} : { targetSoc: targetSoc === "2711" ? "2711" : "2712" }),
    ...(rsa2048 === undefined ? {} : { rsa2048 }),
  };
}

function malformed(what: string, value: string, expected: string): Error {
  const shown = JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  return new Error(`The signature of an EEPROM image is malformed: ${what} is ${shown}; expected: ${expected}`);
}
