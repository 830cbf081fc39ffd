import { shortDigest } from "../digest.ts";
import { type TftpTreeInputs, unknownValue } from "./inputs.ts";

/** Over all that decides about what is published. Order of keys and names does not matter. */
export function digestOf(inputs: TftpTreeInputs): string {
  const { server, root, owner, tree, names, device, generation, files, blobs, keep } = inputs;
  // What the update comes to follows from the rest of it. What the board says of its last one decides about the next,
  // and is no difference by itself.
  const { sha256: _, taken: __, confirmed: ___, ...update } = inputs.update ?? {};
  const all = { server, root, owner, tree, names: [...names].sort(), device, generation, files, blobs, update, keep };
  return shortDigest(all);
}

/** Whether anything in a value is not known yet, as it may be in a preview. */
export function hasUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}
