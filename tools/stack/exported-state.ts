import { askPulumi } from "./pulumi.ts";

/** As much of an exported state as is looked at here; the rest is handed on as it is, secrets encrypted. */
export interface ExportedState {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly protect?: boolean }[];
    readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
  } | null;
}

/** What a stack's state is now, whatever backend has it. */
export async function exportedState(stack: string): Promise<ExportedState> {
  return JSON.parse((await askPulumi(stack, ["stack", "export"])).stdout);
}
