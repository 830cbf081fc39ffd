import type { SiteSummary } from "../../site/changes/summary.ts";
import type { AllowableRule, Allowances, Limits } from "../../site/model.ts";

/** The site as it is to be, and what its change may do. */
export interface GuardRequest extends SiteSummary {
  readonly limits: Limits;
  readonly allow: Allowances;
}

/** What is kept as inputs: the site, and how it came to be what it is. */
export interface GuardInputs extends SiteSummary {
  /** How many changes the site has had. */
  readonly changes: number;
  /** What was allowed to the last of them, and why. */
  readonly allowed: Readonly<Partial<Record<AllowableRule, string>>>;
}

/** What the state holds beside the inputs. */
export interface GuardOutputs {
  readonly schemaVersion: 1;
  /** Tells these inputs from others. */
  readonly digest: string;
}
