import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { reachability } from "../lib/download.ts";
import { unlessAbsent } from "../lib/files.ts";
import { type GoCompiler, provideGo } from "./go.ts";
import { endOrphans } from "./orphans.ts";
import type { Places } from "./places.ts";

/** What the making of every piece needs; one per set-up. */
export interface Workshop {
  places: Places;
  /** The set-up's own temporary folder, inside the engine's folder, so that finished things are only renamed. */
  temp: string;
  signal: AbortSignal;
  /** Resolves when the server (like https://github.com) answers; each is asked once per set-up. */
  reach: (origin: string, signal?: AbortSignal) => Promise<void>;
  /** The Go compiler; looked for, or fetched, by the first that asks, who is told what is being done. */
  go: (say: Workshop["say"]) => Promise<GoCompiler>;
  /** Runs a heavy build when it is its turn; `onWait` is told if that is not at once. */
  inTurn: <T>(build: () => Promise<T>, onWait: () => void) => Promise<T>;
  /** A new folder in `temp`. */
  makeTemp: (purpose: string) => Promise<string>;
  /** Shows what is being done now. */
  say: (text: string) => void;
}

// Two compilations at a time keep two cores busy while one of them links; more of them would only take memory.
const buildsAtOnce = Math.min(2, availableParallelism());
const prefix = "tmp-";

/** Makes a set-up's temporary folder. What killed set-ups left behind is removed first: call with the lock taken. */
export async function openTemp(engine: string): Promise<string> {
  await endOrphans(`${engine}/${prefix}`);
  await removeTemps(engine);
  await mkdir(engine, { recursive: true });
  return mkdtemp(`${engine}/${prefix}`);
}

/** Removes the temporary folders of all set-ups of this project. */
export async function removeTemps(engine: string): Promise<void> {
  const entries = (await readdir(engine).catch(unlessAbsent)) ?? [];
  const leftovers = entries.filter((name) => name.startsWith(prefix) || /^engine\.json\.\d+$/.test(name));
  for (const name of leftovers) {
    await rm(`${engine}/${name}`, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** The workshop of one set-up; nothing is looked for or asked before it is needed. */
export function openWorkshop(places: Places, temp: string, signal: AbortSignal): Workshop {
  let go: Promise<GoCompiler> | undefined;
  let folders = 0;
  const shop: Workshop = {
    places,
    temp,
    signal,
    reach: reachability(),
    go: (say) => {
      go ??= provideGo({ ...shop, say });
      return go;
    },
    inTurn: turnstile(buildsAtOnce),
    makeTemp: async (purpose) => {
      folders += 1;
      const folder = `${temp}/${purpose}-${folders}`;
      await mkdir(folder, { recursive: true });
      return folder;
    },
    say: () => {},
  };
  return shop;
}

/** Lets at most `places` tasks run at a time; the others wait in the order in which they came. */
function turnstile(places: number): Workshop["inTurn"] {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (build, onWait) => {
    if (free > 0) {
      free -= 1;
    } else {
      onWait();
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await build();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
