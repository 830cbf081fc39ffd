import { equal, ok } from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Trial } from "./trial.ts";

/** What a user does with the stack `home` of a trial, which is asked for when it is needed. */
export function homeStack(trial: () => Trial) {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await trial().bramble(args[0] ?? "", "--stack", "home", ...args.slice(1));
    return { code, said: stdout + stderr };
  };
  return {
    run,
    /** `up`, which ends with 4 as long as the boards are off. */
    up: async (...args: string[]) => {
      const { code, said } = await run("up", "--yes", "--skip-preview", ...args);
      equal(code, 4, said);
      return said;
    },
    preview: async (...args: string[]) => {
      const { code, said } = await run("preview", ...args);
      equal(code, 0, said);
      return said;
    },
    /** Changes a piece of the site file, which must be in it. */
    edit: async (from: string, to: string) => {
      const file = join(trial().folder, "stacks/home.yaml");
      const before = await readFile(file, "utf8");
      ok(before.includes(from));
      await writeFile(file, before.replace(from, to));
    },
  };
}
