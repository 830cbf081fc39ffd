import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { Folder } from "../transport/folder.ts";
import { incomingFolder, rolloutFile, rolloutsFolder } from "./layout.ts";

const generation = z.string().regex(/^[0-9a-f]{8,64}$/);

const common = {
  format: z.literal(1),
  /** What the board ran before. */
  from: generation,
  /** What it was to run. */
  target: generation,
  since: z.iso.datetime(),
};

const schema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...common,
    kind: z.literal("underway"),
    /** The boot that it had before, as its report has it: another one is the one that was waited for. */
    bootId: z.string(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal("held"),
    /** Why it does not run the target, in words. */
    why: z.string(),
  }),
]);

/**
 * What a rollout notes of a board, beside its tree. `underway`: it was told to restart, and nobody has seen it run its
 * target yet. `held`: it did not come up with that, so the version of before is served, until the target is another one.
 */
export type RolloutNote = z.output<typeof schema>;
export type Hold = Extract<RolloutNote, { kind: "held" }>;

/** The note of a tree, if there is one. @throws Error for a file that is none */
export async function readNote(folder: Folder, tree: string): Promise<RolloutNote | undefined> {
  const text = (await folder.read(rolloutFile(tree)))?.toString("utf8");
  if (text === undefined) return undefined;
  const note = parseNote(text);
  if (note !== undefined) return note;
  throw new Error(
    `${folder.where}: ${rolloutFile(tree)} is not what a rollout writes there. If no rollout is under way, delete it`,
  );
}

/** A note as it stands in its file; undefined for what is none. */
export function parseNote(text: string): RolloutNote | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes the note of a tree in place of the one that is there, in one step; it is on the disk then. */
export async function writeNote(folder: Folder, tree: string, note: RolloutNote): Promise<void> {
  await folder.makeFolder(rolloutsFolder);
  const aside = `${incomingFolder}/note-${randomUUID()}`;
  await folder.write(aside, Buffer.from(`${JSON.stringify(note)}\n`));
  await folder.rename(aside, rolloutFile(tree));
  await folder.commit();
}

export async function removeNote(folder: Folder, tree: string): Promise<void> {
  await folder.remove(rolloutFile(tree));
}
