import { existsSync } from "node:fs";
import { imageName } from "../images/name.ts";
import { machineArch } from "../images/recipe.ts";
import { readImage } from "../tools/image/ensure.ts";
import { imageFolder } from "../tools/image/folder.ts";
import { labStack, labStackFile } from "../tools/lab/stack.ts";
import { engineObstacle } from "./setup.ts";
import type { Figure } from "./table.ts";
import { timeScript } from "./timed.ts";

const whole = {
  name: "`npm run lab -- --no-k3s`, engine and image there, to the job's answer",
  unit: "s",
  target: 120,
} as const;
const both = { name: "`npm run lab`, the same and k3s there, to the pod's log", unit: "s", target: 360 } as const;
const preview = { name: "`npm run preview` of the lab", unit: "s", target: 5 } as const;
const noChange = { name: "`npm run up` of the lab, no change", unit: "s", target: 6 } as const;

/** The lab from nothing to a job's answer, if it may be made and taken away; and operations on it while it is up. */
export async function labFigures(runs: number, mayMake: boolean): Promise<Figure[]> {
  const isThere = existsSync(labStackFile);
  const obstacle = await reason(isThere, mayMake);
  if (isThere)
    return [...[whole, both].map((f) => ({ ...f, values: [], note: obstacle ?? "" })), ...(await onLab(runs))];
  if (obstacle !== undefined)
    return [whole, both, preview, noChange].map((figure) => ({ ...figure, values: [], note: obstacle }));
  const seconds: number[] = [];
  const withK3s: number[] = [];
  let operations: Figure[] = [];
  try {
    for (let index = 0; index < runs; index++) {
      seconds.push(...(await timeScript("lab", ["--no-k3s"], 1)));
      await timeScript("lab", ["down"], 1);
      withK3s.push(...(await timeScript("lab", [], 1)));
      if (index === 0) operations = await onLab(runs);
      await timeScript("lab", ["down"], 1);
    }
  } finally {
    if (existsSync(labStackFile)) await timeScript("lab", ["down"], 1);
  }
  return [{ ...whole, values: seconds }, { ...both, values: withK3s }, ...operations];
}

async function onLab(runs: number): Promise<Figure[]> {
  const stack = ["--stack", labStack];
  return [
    { ...preview, values: await timeScript("preview", stack, runs) },
    { ...noChange, values: await timeScript("up", [...stack, "--yes", "--expect-no-changes"], runs) },
  ];
}

async function reason(isThere: boolean, mayMake: boolean): Promise<string | undefined> {
  if (isThere) return "there is a lab, which is left as it is";
  if (!mayMake) return "no lab is up: `npm run lab`, or `npm run bench -- --lab`";
  const engine = await engineObstacle();
  if (engine !== undefined) return engine;
  const image = await readImage(imageFolder(imageName(machineArch())));
  return image === undefined ? "no guest image yet: `npm run bramble -- image build`" : undefined;
}
