import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { unlessAbsent } from "../lib/files.ts";

const pieceRecord = z.strictObject({
  version: z.string(),
  how: z.enum(["found", "downloaded", "built"]),
  /** In words: a folder, an address, a Go module. */
  from: z.string(),
  /** Hash of what it was made from; another one means: make it again. */
  inputs: z.string(),
  /** Path in the engine's folder → size in bytes. */
  files: z.record(z.string(), z.number()),
});
const engineRecord = z.strictObject({
  format: z.literal(1),
  machine: z.string(),
  /** The libvirt provider as its makers publish it was asked for, not the one of engine/libvirt. */
  stockLibvirt: z.boolean(),
  pieces: z.record(z.string(), pieceRecord),
});

/** What engine.json says of one installed piece. */
export type PieceRecord = z.infer<typeof pieceRecord>;
/** How a piece came: the machine had it, its maker's build was downloaded, or it was built here. */
export type How = PieceRecord["how"];
/** The content of engine.json. */
export type EngineRecord = z.infer<typeof engineRecord>;

/**
 * Reads engine.json in the engine's folder; undefined when nothing was installed yet.
 * A file that another version of Bramble wrote, or that was damaged, counts as nothing: everything is made again.
 */
export function readRecord(engine: string): EngineRecord | undefined {
  let text: string;
  try {
    text = readFileSync(`${engine}/engine.json`, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return engineRecord.safeParse(parseJson(text)).data;
}

/** Writes engine.json in one step (aside, then renamed), so that it is never half there. */
export async function writeRecord(engine: string, record: EngineRecord): Promise<void> {
  const aside = `${engine}/engine.json.${process.pid}`;
  await writeFile(aside, `${JSON.stringify(record, null, 2)}\n`, { flush: true });
  await rename(aside, `${engine}/engine.json`);
}

/** The files below the given paths of a folder with their sizes in bytes. Links count as what they point to. */
export async function measure(folder: string, paths: readonly string[]): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const path of paths) {
    for (const file of await filesBelow(folder, path)) sizes[file] = (await stat(`${folder}/${file}`)).size;
  }
  return sizes;
}

/** Whether every recorded file is there with its recorded size. */
export async function isIntact(engine: string, piece: PieceRecord): Promise<boolean> {
  const checks = Object.entries(piece.files).map(async ([file, size]) => {
    const found = await stat(`${engine}/${file}`).catch(() => undefined);
    return found?.size === size;
  });
  return (await Promise.all(checks)).every(Boolean);
}

/** SHA-256 over texts and over every file below the given folders (tests and read-me files of Go modules left out). */
export async function hashInputs(texts: readonly string[], folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:${text}`);
  for (const folder of folders) {
    for (const file of await filesBelow(folder, ".")) {
      if (file.endsWith("_test.go") || file.endsWith(".md")) continue;
      const content = await readFile(`${folder}/${file}`);
      hash.update(`${file}:${content.length}:`).update(content);
    }
  }
  return hash.digest("hex");
}

async function filesBelow(folder: string, path: string): Promise<string[]> {
  const found = await stat(`${folder}/${path}`).catch(unlessAbsent);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(`${folder}/${path}`, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1).replace(/^\.\//, ""))
    .sort();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // damaged: readRecord says what follows
  }
}
