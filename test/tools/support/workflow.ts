import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { projectRoot } from "../../../tools/lib/paths.ts";

const step = z.object({
  id: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
});
const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions: z.strictObject({}),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }),
  env: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      if: z.string().optional(),
      environment: z.string().optional(),
      permissions: z.record(z.string(), z.string()),
      steps: z.array(step),
    }),
  ),
});

export type Workflow = z.infer<typeof workflow>;

/** A workflow of docs/ci/, as far as tests look at it. */
export async function readWorkflow(name: string): Promise<Workflow> {
  return workflow.parse(parse(await readFile(join(projectRoot, "docs/ci", name), "utf8")));
}

/** What a step of a workflow runs, as a runner would give it to bash. @throws Error when there is no such step. */
export function stepOf({ jobs }: Workflow, job: string, id: string): string {
  const run = jobs[job]?.steps.find((step) => step.id === id)?.run;
  if (run === undefined) throw new Error(`the job ${job} has no step ${id} that runs something`);
  return run;
}
