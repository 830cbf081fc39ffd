import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { inTurn } from "../lib/turn.ts";
import { keepNoLogs } from "./engine-logs.ts";
import { NoGoCompiler } from "./go.ts";
import { enginePieces, type Piece, type Way } from "./pieces.ts";
import { type Places, placesOf, thisMachine } from "./places.ts";
import type { Step } from "./progress.ts";
import {
  type EngineRecord,
  type How,
  hashInputs,
  isIntact,
  measure,
  type PieceRecord,
  readRecord,
  writeRecord,
} from "./record.ts";
import { openTemp, openWorkshop, removeTemps, type Workshop } from "./workshop.ts";

export interface SetupOptions {
  /**
   * The libvirt provider as its makers publish it (true), which connects to every host in every preview, or the
   * project's own (false). Without it: what was chosen the last time, at first the project's own.
   */
  stockLibvirt?: boolean | undefined;
  /** Gets every piece that can be got so in this one way. */
  from?: How | undefined;
  /** Ends the set-up; nothing half-done stays. */
  signal?: AbortSignal | undefined;
  /** Told what is worth a line besides the progress. */
  say?: ((line: string) => void) | undefined;
  places?: Places | undefined;
}

export interface SetupReport {
  /** False when everything was there already. */
  changed: boolean;
  stockLibvirt: boolean;
  seconds: number;
  pieces: { title: string; how: How; from: string }[];
}

/** A piece of the engine could not be had in any way. The message says what was tried and what to do. */
export class SetupError extends Error {
  override name = "SetupError";
}

/**
 * Installs what is missing of the engine into the project's work folder; does nothing when nothing is missing.
 * One set-up at a time: a second one waits for the first.
 * @throws SetupError when a piece cannot be had; the reason of `signal` when it was aborted
 */
export async function setup(options: SetupOptions = {}): Promise<SetupReport> {
  const begin = Date.now();
  const places = options.places ?? placesOf();
  const signal = options.signal ?? new AbortController().signal;
  const plan = await makePlan(places, options);
  if (plan.missing.length > 0) {
    const onWait = (who: string) =>
      options.say?.(`Another set-up of this project is at work (${who}). Waiting for it.`);
    await inTurn(`${places.engine}/setup.lock`, "bramble setup", { onWait, signal }, async () => {
      // Planned again: whoever had the lock before may have made what was missing.
      await installMissing(await makePlan(places, options), places, options.from, signal);
    });
  }
  await keepNoLogs(places.home);
  const record = readRecord(places.engine);
  return {
    changed: plan.missing.length > 0,
    stockLibvirt: plan.stockLibvirt,
    seconds: (Date.now() - begin) / 1000,
    pieces: plan.pieces.flatMap(({ id, title }) => {
      const piece = record?.pieces[id];
      return piece === undefined ? [] : [{ title, how: piece.how, from: piece.from }];
    }),
  };
}

/**
 * Checks, without changing anything, that the engine is complete and made from the sources that are here now.
 * @throws Error that says what is missing
 */
export async function engineReady(places: Places = placesOf()): Promise<void> {
  const { missing } = await makePlan(places, {});
  if (missing.length === 0) return;
  throw new Error(`The engine lacks ${missing.map(({ title }) => title).join(", ")}. Run: npm run setup`);
}

interface Plan {
  stockLibvirt: boolean;
  record: EngineRecord;
  pieces: Piece[];
  missing: Piece[];
}

async function makePlan(places: Places, options: SetupOptions): Promise<Plan> {
  const machine = machineName();
  const found = readRecord(places.engine);
  const record = found?.machine === machine ? found : { format: 1 as const, machine, stockLibvirt: false, pieces: {} };
  const stockLibvirt = options.stockLibvirt ?? record.stockLibvirt;
  const pieces = enginePieces(stockLibvirt);
  const current = await Promise.all(pieces.map((piece) => isCurrent(piece, record, places, options.from)));
  return { stockLibvirt, record, pieces, missing: pieces.filter((_, index) => !current[index]) };
}

async function isCurrent(piece: Piece, { pieces }: EngineRecord, places: Places, from?: How): Promise<boolean> {
  const installed = pieces[piece.id];
  const way = piece.ways.find(({ how }) => how === installed?.how);
  if (installed === undefined || way === undefined) return false;
  const wanted = waysOf(piece, from).includes(way);
  return wanted && installed.inputs === (await inputsOf(way, places)) && (await isIntact(places.engine, installed));
}

/** A piece that cannot be got in the way asked for is got in its own ways: the project's provider is always built. */
function waysOf(piece: Piece, from: How | undefined): readonly Way[] {
  const asked = piece.ways.filter(({ how }) => from === undefined || how === from);
  return asked.length > 0 ? asked : piece.ways;
}

function inputsOf(way: Way, places: Places): Promise<string> {
  const modules = way.builds.map(({ module }) => `${places.project}/engine/${module}`);
  return hashInputs([way.how, way.recipe], modules);
}

async function installMissing(plan: Plan, places: Places, from: How | undefined, signal: AbortSignal): Promise<void> {
  if (plan.missing.length === 0) return;
  const temp = await openTemp(places.engine);
  try {
    await makePieces(plan, from, openWorkshop(places, temp, signal));
  } finally {
    await removeTemps(places.engine);
  }
}

async function makePieces(plan: Plan, from: How | undefined, shop: Workshop): Promise<void> {
  const { places, temp, signal } = shop;
  const keep = recordKeeper(plan, places);
  const tried = new Map<Piece, Attempt[]>();
  const steps = plan.missing.map((piece): Step => {
    const ways = waysOf(piece, from);
    return {
      title: piece.title,
      usualSeconds: ways.at(-1)?.usualSeconds ?? 0,
      run: async (show) => {
        const attempts: Attempt[] = [];
        tried.set(piece, attempts);
        for (const way of ways) {
          const say = (text: string) => show(text, way.usualSeconds);
          const stage = `${temp}/${piece.id}-${way.how}`;
          try {
            const inputs = await inputsOf(way, places); // before: what changes while it compiles is not in it
            const source = await way.make(stage, { ...shop, say });
            await keep(piece, stage, { version: piece.version, how: way.how, from: source, inputs });
            return way.how === "built" ? `built from ${source}` : `${way.how}: ${source}`;
          } catch (error) {
            signal.throwIfAborted();
            attempts.push({ way, error });
          }
        }
        throw new Error(`${piece.title} could not be had`);
      },
    };
  });
  // The list with its drawing is loaded only now: a set-up with nothing to do stays quick.
  const { showProgress } = await import("./progress.ts");
  const errors = await showProgress("Installing the engine into .bramble/engine", steps);
  signal.throwIfAborted();
  const failed = plan.missing.filter((_, index) => errors[index] !== undefined);
  if (failed.length > 0) throw new SetupError(describeFailures(failed, tried));
}

/** Moves finished pieces to their places, one after the other, and writes each into engine.json when it is there. */
function recordKeeper(plan: Plan, places: Places) {
  let before: Promise<unknown> = Promise.resolve();
  const record: EngineRecord = { ...plan.record, stockLibvirt: plan.stockLibvirt, pieces: { ...plan.record.pieces } };
  return (piece: Piece, stage: string, facts: Omit<PieceRecord, "files">): Promise<void> => {
    const done = before.then(async () => {
      delete record.pieces[piece.id];
      await writeRecord(places.engine, record);
      for (const path of piece.paths) await moveInto(`${stage}/${path}`, `${places.engine}/${path}`, `${stage}-old`);
      record.pieces[piece.id] = { ...facts, files: await measure(places.engine, piece.paths) };
      await writeRecord(places.engine, record);
    });
    before = done.catch(() => undefined); // its caller hears of a failure; the next piece has nothing to do with it
    return done;
  };
}

async function moveInto(from: string, to: string, aside: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(aside, { recursive: true, force: true });
  if (await exists(to)) await rename(to, aside);
  if (await exists(from)) await rename(from, to);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

interface Attempt {
  way: Way;
  error: unknown;
}

function describeFailures(failed: readonly Piece[], tried: ReadonlyMap<Piece, readonly Attempt[]>): string {
  const pieces = failed.map((piece) => {
    const lines = (tried.get(piece) ?? []).map(({ way, error }) => {
      return `    ${way.how}: ${error instanceof Error ? error.message : error}`;
    });
    return [`  ${piece.title} could not be had. Tried in this order:`, ...lines].join("\n");
  });
  const noGo = [...tried.values()].flat().find(({ error }) => error instanceof NoGoCompiler)?.error;
  const advice =
    noGo instanceof NoGoCompiler
      ? noGo.explanation
      : "A set-up needs github.com, or a Go module proxy that `go` can reach (its GOPROXY setting). Then run it again.";
  return ["The engine is not complete.", ...pieces, advice].join("\n");
}

function machineName(): string {
  const { os, goArch } = thisMachine();
  return `${os}-${goArch}`;
}
