/** A file of an archive in the "newc" format, which the kernel unpacks as its initial RAM disk. */
export type CpioEntry =
  | { readonly path: string; readonly kind: "folder" }
  | { readonly path: string; readonly kind: "file"; readonly data: Uint8Array; readonly executable: boolean }
  | { readonly path: string; readonly kind: "link"; readonly target: string }
  | { readonly path: string; readonly kind: "character-device"; readonly major: number; readonly minor: number };

/**
 * The archive as bytes, in the order given (folders before what is in them), owned by root, all times 0.
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.map((entry, index) =>
    record(index + 1, entry.path, modeOf(entry), dataOf(entry), deviceOf(entry)),
  );
  return Buffer.concat([...parts, record(0, "TRAILER!!!", 0, Buffer.alloc(0), [0, 0])]);
}

function record(
  inode: number,
  path: string,
  mode: number,
  data: Uint8Array,
  [major, minor]: readonly [number, number],
): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function modeOf(entry: CpioEntry): number {
  switch (entry.kind) {
    case "folder":
      return 0o040755;
    case "file":
      return 0o100000 | (entry.executable ? 0o755 : 0o644);
    case "link":
      return 0o120777;
    case "character-device":
      return 0o020600;
  }
}

function dataOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.data;
  return Buffer.from(entry.kind === "link" ? entry.target : "");
}

function deviceOf(entry: CpioEntry): readonly [number, number] {
  return entry.kind === "character-device" ? [entry.major, entry.minor] : [0, 0];
}
