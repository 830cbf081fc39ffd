import { stderr } from "node:process";
import { projectRoot } from "../tools/lib/paths.ts";
import { run } from "../tools/lib/run.ts";

/** Runs an npm script of the project as a user would, so many times, and gives the seconds of each run. */
export async function timeScript(script: string, args: readonly string[], runs: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let index = 0; index < runs; index++) seconds.push(await once(script, args));
  return seconds;
}

async function once(script: string, args: readonly string[]): Promise<number> {
  stderr.write(`npm run ${script}${args.length > 0 ? ` -- ${args.join(" ")}` : ""} `);
  const started = performance.now();
  await run(["npm", "run", "-s", script, "--", ...args], { cwd: projectRoot });
  const seconds = (performance.now() - started) / 1000;
  stderr.write(`${seconds.toFixed(2)} s\n`);
  return seconds;
}
