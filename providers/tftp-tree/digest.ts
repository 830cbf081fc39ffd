import { createHash } from "node:crypto";
import { type TftpTreeInputs, unknownValue } from "./inputs.ts";

/** Over all that decides about what is published. Order of keys and names does not matter. */
export function digestOf(inputs: TftpTreeInputs): string {
  const { server, root, owner, tree, names, device, generation, files, blobs, keep } = inputs;
  // What the board says of its last update decides about the next one, and is no difference by itself.
  const { taken: _, confirmed: __, ...update } = inputs.update ?? {};
  const all = { server, root, owner, tree, names: [...names].sort(), device, generation, files, blobs, update, keep };
  return shortDigest(all);
}

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

/** Whether anything in a value is not known yet, as it may be in a preview. */
export function hasUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}
