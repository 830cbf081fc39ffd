import * as z from "zod";

/** The engine's own account of a preview: its JSON events (sdk/go/common/apitype/events.go of pulumi), one a line. */

/** What is known of a resource before or after a step. Secrets are `[secret]`: the engine never writes them here. */
export interface ResourceState {
  readonly parent: string;
  /** `URN::ID` of the provider; empty for components. */
  readonly provider: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** It stays where it is when the engine forgets it. */
  readonly retained: boolean;
}

/** One thing that the engine would do to a resource, in its order. */
export interface Step {
  /** create, update, delete, replace, create-replacement, delete-replaced, same … */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: ResourceState;
  readonly new?: ResourceState;
  /** Paths of what differs, as the provider says. */
  readonly differs: readonly string[];
}

export interface Diagnostic {
  readonly severity: "warning" | "error";
  readonly message: string;
}

export interface Preview {
  readonly ok: boolean;
  readonly steps: readonly Step[];
  readonly diagnostics: readonly Diagnostic[];
}

const state = z.object({
  parent: z.string(),
  provider: z.string(),
  inputs: z.record(z.string(), z.unknown()).nullish(),
  retainOnDelete: z.boolean().optional(),
});
const metadata = z.object({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: state.nullish(),
  new: state.nullish(),
  diffs: z.array(z.string()).nullish(),
  detailedDiff: z.record(z.string(), z.unknown()).nullish(),
});
const event = z.object({
  diagnosticEvent: z
    .object({
      severity: z.string(),
      message: z.string(),
      prefix: z.string().optional(),
      ephemeral: z.boolean().optional(),
    })
    .optional(),
  resourcePreEvent: z.object({ metadata }).optional(),
  summaryEvent: z.object({ result: z.string().optional() }).optional(),
  cancelEvent: z.object({}).optional(),
});
type Event = z.infer<typeof event>;

/**
 * Reads the events of one preview.
 * @throws Error when a line is no event, or the last one of a preview is missing: half of a plan would look like a small one
 */
export function readEvents(lines: readonly string[]): Preview {
  const events = lines.filter((line) => line.trim() !== "").map(parseEvent);
  const cut = events.find((line) => typeof line === "string");
  if (cut !== undefined) throw new Error(`The engine's events can't be read: ${cut}. ${again}`);
  const whole = events.filter((line) => typeof line !== "string");
  if (whole.at(-1)?.cancelEvent === undefined)
    throw new Error(`The engine's events end after ${whole.length}, before the preview had ended. ${again}`);
  const result = whole.findLast(({ summaryEvent }) => summaryEvent !== undefined)?.summaryEvent;
  const diagnostics = whole.flatMap(diagnosticOf);
  return {
    ok: result !== undefined && result.result !== "failed" && diagnostics.every(({ severity }) => severity !== "error"),
    steps: whole.flatMap(stepOf),
    diagnostics,
  };
}

const again = "Nothing was changed; make the plan again";

/** The event, or what is wrong with the line. */
function parseEvent(line: string, index: number): Event | string {
  try {
    const parsed = event.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : `line ${index + 1} is no event that this version knows`;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `line ${index + 1} is cut off in the middle`;
  }
}

function stepOf({ resourcePreEvent }: Event): Step[] {
  if (resourcePreEvent === undefined) return [];
  const { op, urn, type, diffs, detailedDiff, ...of } = resourcePreEvent.metadata;
  const differs = detailedDiff ? Object.keys(detailedDiff) : (diffs ?? []);
  return [{ op, urn, type, differs, ...(of.old && { old: stateOf(of.old) }), ...(of.new && { new: stateOf(of.new) }) }];
}

function stateOf({ parent, provider, inputs, retainOnDelete = false }: z.infer<typeof state>): ResourceState {
  return {
    ...{ parent, provider, retained: retainOnDelete },
    inputs: Object.fromEntries(Object.entries(inputs ?? {}).map(([key, value]) => [key, withoutSecrets(value)])),
  };
}

/** With one word for each secret, of which the engine tells that it is one, and nothing else. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (Reflect.get(value, signature) === secretSignature) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutSecrets(part)]));
}

/** How Pulumi marks values that JSON does not have, and secrets among them (sdk/go/common/resource/sig). */
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

function diagnosticOf({ diagnosticEvent }: Event): Diagnostic[] {
  if (diagnosticEvent === undefined || diagnosticEvent.ephemeral === true) return [];
  const { severity, message, prefix = "" } = diagnosticEvent;
  const known = severities[severity];
  return known === undefined ? [] : [{ severity: known, message: withoutColours(prefix + message) }];
}

/** `info#err` is what a provider writes to its standard error. */
const severities: Readonly<Record<string, Diagnostic["severity"]>> = {
  warning: "warning",
  "info#err": "warning",
  error: "error",
};

/** The engine marks colours as <{%reset%}>; programs as escape sequences. */
function withoutColours(text: string): string {
  const start = String.fromCharCode(27);
  return text
    .replaceAll(/<\{%[^%]*%\}>/g, "")
    .replaceAll(new RegExp(`${start}\\[[0-9;]*m`, "g"), "")
    .trimEnd();
}
