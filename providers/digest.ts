import { createHash } from "node:crypto";

/** 128 bits of a SHA-256 over a value, in hex: enough to tell one wish from another, and short in every state. */
export function shortDigest(value: unknown): string {
  return sha256Of(canonical(value)).slice(0, 32);
}

/** SHA-256 in hex. */
export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
