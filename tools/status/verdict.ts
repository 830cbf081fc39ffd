import { boardsAreDegraded, boardsAreOff } from "../stack/boards.ts";
import type { Status } from "./model.ts";

/** The exit code of a status, as `up` has it: 5 where a machine is degraded, else 4 where one is off, else 0. */
export function exitCodeOf({ boards, vms }: Pick<Status, "boards" | "vms">): number {
  const states = [...boards, ...vms].map(({ state }) => state);
  if (states.includes("degraded")) return boardsAreDegraded;
  return states.includes("off") ? boardsAreOff : 0;
}
