/** Writes the part of DER (ITU-T X.690) that certificates are made of: bytes of one value each. */

export function sequence(...values: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, ...values);
}

export function setOf(...values: readonly Uint8Array[]): Uint8Array {
  return tagged(0x31, ...values);
}

/** A number that is not negative, from its bytes, the highest first. */
export function unsigned(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const short = from === -1 ? Uint8Array.of(0) : bytes.subarray(from);
  // A first bit that is set would make it negative.
  return (short[0] ?? 0) >= 0x80 ? tagged(0x02, Uint8Array.of(0), short) : tagged(0x02, short);
}

export function boolean(value: boolean): Uint8Array {
  return tagged(0x01, Uint8Array.of(value ? 0xff : 0));
}

/** @param unused how many bits of the last byte do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return tagged(0x03, Uint8Array.of(unused), bytes);
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return tagged(0x04, bytes);
}

export function utf8String(text: string): Uint8Array {
  return tagged(0x0c, Buffer.from(text, "utf8"));
}

/** A time from 1950 to 2049, to the second. @throws RangeError for any other, which DER writes in another way. */
export function utcTime(time: Date): Uint8Array {
  const year = time.getUTCFullYear();
  if (!(year >= 1950 && year < 2050)) throw new RangeError(`${String(time)} is not from 1950 to 2049`);
  return tagged(0x17, Buffer.from(`${time.toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`, "ascii"));
}

/** An object identifier such as `2.5.4.3`. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A value of one's own numbering that holds others (`explicit`), or stands in for bytes (`implicit`). */
export function context(number: number, kind: "explicit" | "implicit", ...values: readonly Uint8Array[]): Uint8Array {
  return tagged((kind === "explicit" ? 0xa0 : 0x80) | number, ...values);
}

function tagged(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(values);
  return Uint8Array.from(Buffer.concat([Uint8Array.from([tag, ...length(content.length)]), content]));
}

function length(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return digits;
}
