import type { Known } from "../../providers/readiness/boot-server.ts";
import type { Hold, RolloutNote } from "../../providers/tftp-tree/rollout-note.ts";
import type { Answer } from "../../providers/transport/report.ts";
import type { NetworkBoard } from "../../site/model.ts";
import { judgeAsked } from "../stack/boards.ts";

/** What a board is to a rollout. */
export type Finding =
  /** It runs what is published. */
  | { readonly kind: "current" }
  | ({ readonly kind: "behind" } & Step)
  /** An earlier rollout restarted it, and has not seen it run its target. */
  | { readonly kind: "restarted"; readonly note: Underway }
  /** It did not come up with what was published; it is back at the version of before, or is to be. */
  | {
      readonly kind: "held";
      readonly hold: Hold;
      /** Whether the boot server has the version of before for it. */
      readonly isServed: boolean;
      /** Whether it runs that. */
      readonly isUp: boolean;
    }
  /** Nobody knows how it would come up: it is off, or not as it should be. */
  | { readonly kind: "off" | "degraded" | "unclear"; readonly words: string };

export type Underway = Extract<RolloutNote, { kind: "underway" }>;

/** From which version to which. */
export interface Step {
  /** Missing where it says that it was not booted from here. */
  readonly from?: string;
  readonly target: string;
  /** The boot that it has now. */
  readonly bootId: string;
}

/**
 * What a board is, by its own word and the boot server's.
 * @param isMeant whether somebody named the board: then it is restarted as well if all that is known is that it answers
 */
export function findingOf(board: NetworkBoard, answer: Answer, known: Known, isMeant: boolean): Finding {
  const { rollout: note, published } = known;
  const served = published.kind === "versions" ? published.served : undefined;
  const report = answer.kind === "report" ? answer.report : undefined;
  if (note?.kind === "held" && (served === note.from || served === note.target))
    return {
      ...{ kind: "held", hold: note, isServed: served === note.from },
      isUp: report?.generation === note.from && report.problems.length === 0,
    };
  // What `up` has published since is another matter.
  if (note?.kind === "underway" && note.target === served && report?.bootId !== note.bootId)
    return { kind: "restarted", note };
  const { kind, words } = judgeAsked({ board, answer }, known);
  if (kind === "current") return { kind };
  if (report !== undefined && served !== undefined && (kind === "behind" || isMeant)) {
    const { generation, bootId } = report;
    return { kind: "behind", ...(generation !== null && { from: generation }), target: served, bootId };
  }
  return kind === "behind" ? { kind: "unclear", words } : { kind, words };
}
