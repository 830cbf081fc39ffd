import type { ExportedState } from "./exported-state.ts";
import { askPulumi } from "./pulumi.ts";
import { nameIn } from "./urn.ts";

/**
 * Takes out of a stack's state the operations that a killed run had begun, and says in a line what they were. The next
 * run does them again: everything here takes over, or makes anew, what was done by half. Left in, they would cause a
 * page of warnings in every later run. Works with every backend.
 */
export async function dropPendingOperations(stack: string, state: ExportedState): Promise<void> {
  const pending = state.deployment?.pending_operations ?? [];
  if (pending.length === 0) return;
  const cleared = { ...state, deployment: { ...state.deployment, pending_operations: [] } };
  await askPulumi(stack, ["stack", "import"], { input: JSON.stringify(cleared) });
  const what = pending.map(({ type, resource }) => `${type} ${nameIn(resource.urn)}`).join(", ");
  console.error(`An earlier run was ended in the middle of ${what}; what is missing of that is done again.`);
}
