import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { projectRoot } from "../../tools/lib/paths.ts";
import { enginePieces } from "../../tools/setup/pieces.ts";
import type { Places } from "../../tools/setup/places.ts";
import { hashInputs, measure, type PieceRecord, readRecord, writeRecord } from "../../tools/setup/record.ts";

/** A new empty folder. Its name has a space and a quote, as folders of people have. */
export function makeFolder(): Promise<string> {
  return mkdtemp(`${tmpdir()}/bramble setup's test-`);
}

export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Writes an engine.json that fits the project's sources, with small files in the places of the real ones. */
export async function pretendInstalled(places: Places, how: "built" | "downloaded"): Promise<void> {
  const pieces: Record<string, PieceRecord> = {};
  for (const piece of enginePieces(false)) {
    for (const path of piece.paths) {
      await mkdir(`${places.engine}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await writeFile(`${places.engine}/${path}`, "program");
    }
    const way = piece.ways.find((candidate) => candidate.how === how) ?? piece.ways[0];
    assert.ok(way !== undefined);
    const modules = way.builds.map(({ module }) => `${places.project}/engine/${module}`);
    const inputs = await hashInputs([way.how, way.recipe], modules);
    const files = await measure(places.engine, piece.paths);
    pieces[piece.id] = { version: piece.version, how: way.how, from: "a test", inputs, files };
  }
  const machine = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const record = { format: 1 as const, machine, stockLibvirt: false, pieces };
  await writeRecord(places.engine, record);
  assert.deepEqual(readRecord(places.engine), record);
}

/** Copies what a set-up needs of this project. */
export async function copyProject(project: string): Promise<void> {
  for (const folder of ["tools", "engine"]) {
    await cp(`${projectRoot}/${folder}`, `${project}/${folder}`, { recursive: true });
  }
  await cp(`${projectRoot}/package.json`, `${project}/package.json`);
  await symlink(`${projectRoot}/node_modules`, `${project}/node_modules`);
}
