import { engineReady } from "../tools/setup/setup.ts";
import type { Figure } from "./table.ts";
import { timeScript } from "./timed.ts";

/** `npm run setup` where everything is there. */
export async function setupFigures(runs: number): Promise<Figure[]> {
  const figure = { name: "`npm run setup`, second time", unit: "s", target: 2 } as const;
  const obstacle = await engineObstacle();
  if (obstacle !== undefined) return [{ ...figure, values: [], note: obstacle }];
  return [{ ...figure, values: await timeScript("setup", [], runs) }];
}

/** Why the engine can't be used; undefined if it can. */
export async function engineObstacle(): Promise<string | undefined> {
  return await engineReady().then(
    () => undefined,
    (error: Error) => error.message,
  );
}
