import { inFolder } from "../transport/folder-server.ts";
import type { TreePlace } from "./inputs.ts";
import { publish } from "./publish.ts";
import { type Hold, type RolloutNote, readNote, removeNote, writeNote } from "./rollout-note.ts";
import { NotThere, returnTo } from "./serve-again.ts";

/** A tree on its server, for who does not publish it. */
export interface PlacedTree extends TreePlace {
  readonly tree: string;
  readonly keep: number;
  /** OpenSSH private key that logs in there; left out in the engine's processes. */
  readonly deployKey?: string;
}

/**
 * Notes that a board did not come up with what is published, and serves the version that it ran before. The note comes
 * first: whatever stops this, whoever sees the note finishes it.
 * @throws NotThere if the server does not have that version any more; then nothing was changed
 */
export async function holdBack(place: PlacedTree, hold: Hold): Promise<void> {
  await inTree(place, async (folder) => {
    const publication = await returnTo(folder, { ...place, generation: hold.from });
    await writeNote(folder, place.tree, hold);
    await publish(folder, publication);
  });
}

/**
 * Ends a hold: what was held back is served again. If the server does not have it any more, it has to be published anew.
 * @returns the hold that there was, and whether its target is served
 */
export async function release(
  place: PlacedTree,
): Promise<{ readonly hold: Hold; readonly served: boolean } | undefined> {
  return await inTree(place, async (folder) => {
    const hold = await readNote(folder, place.tree);
    if (hold?.kind !== "held") return undefined;
    const publication = await returnTo(folder, { ...place, generation: hold.target }).catch((error) => {
      if (error instanceof NotThere) return undefined;
      throw error;
    });
    if (publication !== undefined) await publish(folder, publication);
    await removeNote(folder, place.tree);
    return { hold, served: publication !== undefined };
  });
}

/** Writes a rollout's note of a tree, or takes it away. */
export async function note(place: PlacedTree, text: RolloutNote | undefined): Promise<void> {
  await inTree(place, (folder) =>
    text === undefined ? removeNote(folder, place.tree) : writeNote(folder, place.tree, text),
  );
}

function inTree<T>(
  { server, root, owner, deployKey }: PlacedTree,
  work: Parameters<typeof inFolder<T>>[3],
): Promise<T> {
  const key = deployKey === undefined ? undefined : async () => deployKey;
  return inFolder(server, root, owner.site, work, key);
}
