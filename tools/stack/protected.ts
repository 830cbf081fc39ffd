import type { ExportedState } from "./exported-state.ts";
import { nameIn } from "./urn.ts";

const withoutPreview = /^(--skip-preview(=true)?|-[a-z]*f[a-z]*)$/;
/** Options of `pulumi destroy` that say what becomes of what is protected, or leave a part of the stack out. */
const decided = /^(--exclude-protected|--ignore-protect|--target|--exclude|-t|-x)(=|$)/;

/**
 * Refuses a `destroy` without a preview of a stack with protected disks. A preview refuses by itself; without one the
 * engine deletes all but those, and says only then that it can't delete them.
 * @throws Error that names them, and says what to do.
 */
export function refuseUnseenLoss(stack: string, { deployment }: ExportedState, args: readonly string[]): void {
  if (!args.some((word) => withoutPreview.test(word)) || args.some((word) => decided.test(word))) return;
  const kept = (deployment?.resources ?? []).filter(({ protect }) => protect === true);
  if (kept.length === 0) return;
  throw new Error(
    `${stack} has disks with data that are not marked as disposable:\n` +
      `${kept.map(({ urn }) => `  ${nameIn(urn)}`).join("\n")}\n` +
      "Without a preview all else would be deleted before these refuse. To keep them and take down the rest, add " +
      "--exclude-protected; to delete them too, see docs/operations.md, Take a site down. Nothing was changed.",
  );
}
