import { projectRoot } from "../lib/paths.ts";
import { type RunResult, tryRun } from "../lib/run.ts";
import { EngineError, stackEnvironment } from "../stack/pulumi.ts";
import { type Preview, readEvents } from "./events.ts";
import { sayProgress } from "./progress.ts";
import { type Said, sortDiagnostics } from "./refusals.ts";

export interface PreviewOptions {
  /** Look at what is really there first; needs the site in reach. */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
}

/**
 * Lets the engine preview a stack, and gives what it said of every resource. Its own options for scripts make it say so
 * as events, one a line, in which secrets are masked.
 * @throws EngineError when there is no preview, for another reason than a refusal; Error when its events are not whole
 */
export async function previewStack(
  stack: string,
  { refresh, signal }: PreviewOptions,
): Promise<{ readonly preview: Preview; readonly said: Said }> {
  const environment = stackEnvironment(stack);
  const command = ["pulumi", "preview", "--json", "--non-interactive", "--stack", stack] as const;
  const progress = sayProgress(stack);
  const result = await tryRun([...command, ...(refresh ? ["--refresh"] : [])], {
    cwd: projectRoot,
    env: { ...environment, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
    signal,
    onLine: (line) => progress.line(line),
  });
  progress.end();
  if (!result.stdout.startsWith("{")) throw failed(result, stack, environment);
  const preview = readEvents(result.stdout.split("\n"));
  const said = sortDiagnostics(preview.diagnostics);
  if (said.failures.length > 0 || (!preview.ok && said.refusals.length === 0))
    throw failed({ ...result, stderr: said.failures.join("\n") || result.stderr }, stack, environment);
  return { preview, said };
}

function failed(result: RunResult, stack: string, environment: NodeJS.ProcessEnv): EngineError {
  return new EngineError(result, stack, environment.PULUMI_BACKEND_URL);
}
