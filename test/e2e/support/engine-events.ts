/** What the tests look at in the engine's event log (sdk/go/common/apitype/events.go of pulumi). */
export interface EngineEvent {
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
}

/** One thing that the engine did, or would do, to a resource. */
export interface Step {
  /** create, update, delete, replace, create-replacement, delete-replaced, … */
  readonly op: string;
  readonly urn: string;
  /** The resource's own name with the last part of its type: `Domain lab-n1`. */
  readonly what: string;
}

/** The steps of an operation, in their order, without those that leave a resource as it is. */
export function stepsOf(events: readonly EngineEvent[]): Step[] {
  return events.flatMap(({ resourcePreEvent }) => {
    if (resourcePreEvent === undefined) return [];
    const { op, urn } = resourcePreEvent.metadata;
    return idle.has(op) ? [] : [{ op, urn, what: nameOf(urn) }];
  });
}

const idle = new Set(["same", "read", "refresh"]);

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
export function nameOf(urn: string): string {
  const parts = urn.split("::");
  const type = parts[2]?.split(/[:$/]/).at(-1) ?? "";
  return `${type} ${parts.slice(3).join("::")}`;
}

interface Logged {
  readonly events: readonly EngineEvent[];
}

/** When the engine was done with a resource, in seconds since 1970; not a number where it never was. */
export function doneAt({ events }: Logged, what: string): number {
  return events[placeOfDone(events, what)]?.timestamp ?? Number.NaN;
}

/** When it began to do one of these to a resource; not a number where it never did. */
export function begunAt({ events }: Logged, what: string, ops: RegExp): number {
  return events[placeOfBegun(events, what, ops)]?.timestamp ?? Number.NaN;
}

/** Whether it was done with a resource before it began to do one of these to another, both in the same second or not. */
export function isDoneBefore({ events }: Logged, done: string, begun: string, ops: RegExp): boolean {
  const place = placeOfDone(events, done);
  return place >= 0 && place < placeOfBegun(events, begun, ops);
}

function placeOfDone(events: readonly EngineEvent[], what: string): number {
  return events.findIndex(({ resOutputsEvent: done }) => done !== undefined && nameOf(done.metadata.urn) === what);
}

function placeOfBegun(events: readonly EngineEvent[], what: string, ops: RegExp): number {
  return events.findIndex(({ resourcePreEvent }) => {
    const step = resourcePreEvent?.metadata;
    return step !== undefined && ops.test(step.op) && nameOf(step.urn) === what;
  });
}
