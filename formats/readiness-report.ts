import { z } from "zod";

/** Raised when a field changes its meaning. */
const format = 1;

/** A report is about 2 KB; more than this was not written by a board of ours. */
const mostBytes = 64 * 1024;

const oneLine = z.string().regex(/^[ -~]*$/, "must be one line of printable ASCII");
const lines = z.string().regex(/^[\n -~]*$/, "must be lines of printable ASCII");
const seconds = z.int().min(0).max(0xffff_ffff);
const version = oneLine.min(1).max(200);

const schema = z.strictObject({
  format: z.literal(format),
  /** The host name that the board gave itself. */
  board: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a host name"),
  /** Hex, lower case; null where the device tree has none, as in a virtual machine. */
  serial: z
    .string()
    .regex(/^[0-9a-f]{8,16}$/, "must be 8 to 16 hex digits in lower case")
    .nullable(),
  /** What the kernel's command line says was booted; null if it says nothing. */
  generation: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "must be 16 hex digits")
    .nullable(),
  /** The SHA-256 of the overlay (apkovl) that the board runs; null without one. */
  overlay: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex")
    .nullable(),
  /** Of the kernel, the operating system, and of packages by name. */
  versions: z
    .object({ kernel: version, os: version })
    .catchall(version)
    .refine((versions) => Object.keys(versions).every((name) => /^[a-z0-9][a-z0-9.+_-]{0,63}$/.test(name)), {
      error: "must have package names as keys",
    }),
  /** Null where there is no bootloader EEPROM, as in a virtual machine. */
  bootloader: z
    .strictObject({
      /** When the running bootloader was built; seconds since 1970. */
      buildTimestamp: seconds,
      /** The `ts` of its last update; seconds since 1970, 0 before the first. */
      updateTimestamp: seconds,
      /** The text of bootconf.txt with which the board started. */
      settings: lines.max(4096),
    })
    .nullable(),
  /** What does not work, each in one line; empty if the board is ready. */
  problems: z.array(oneLine.min(1).max(500)).max(100),
  /** Another at each boot: `/proc/sys/kernel/random/boot_id`. */
  bootId: z.guid().lowercase(),
  /** By the board's clock, in UTC: `2026-08-01T10:00:00Z`. */
  writtenAt: z.iso.datetime(),
});

/**
 * What a board says of itself when it has booted. The board writes it to a file; whoever wants to know whether it is
 * ready reads that over SSH, because the host key proves that it comes from this board.
 */
export type ReadinessReport = Readonly<Omit<z.infer<typeof schema>, "format">>;

export type ReadReport =
  | { readonly ok: true; readonly report: ReadinessReport }
  | { readonly ok: false; readonly reason: string };

/** Reads a report; `reason` says what is wrong with it, and is safe to print. */
export function parseReadinessReport(text: string): ReadReport {
  if (Buffer.byteLength(text) > mostBytes) {
    return { ok: false, reason: `the readiness report has more than ${mostBytes} bytes` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "the readiness report is not JSON: it may be half written, or of another program" };
  }
  const other = z.object({ format: z.int() }).safeParse(value);
  if (other.success && other.data.format !== format) {
    const reason = `the readiness report has format ${other.data.format}, and this Bramble reads ${format}: the board runs another version`;
    return { ok: false, reason };
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
    return { ok: false, reason: `the readiness report is not as it should be: ${printable(issues.join("; "))}` };
  }
  const { format: _, ...report } = result.data;
  return { ok: true, report };
}

/** The text of a report, as a board writes it. */
export function printReadinessReport(report: ReadinessReport): string {
  return `${JSON.stringify(schema.parse({ format, ...report }), undefined, 2)}\n`;
}

/** A machine's words in a message: on one line, without anything that a terminal could act on, and not too long. */
function printable(text: string): string {
  const plain = text.replace(/[^ -~]/g, "?");
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}
