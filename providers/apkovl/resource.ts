import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic.ts";
import type { ApkovlInputs } from "./inputs.ts";

export { imageInputs } from "./inputs.ts";

/** Values of other resources stand in for what only they know. */
export type ApkovlArgs = { readonly [Key in keyof ApkovlInputs]: pulumi.Input<ApkovlInputs[Key]> };

/** The image of a profile: what makes a diskless Alpine the system that its boards are to be. */
export class Apkovl extends DynamicResource {
  constructor(name: string, inputs: ApkovlArgs, options?: pulumi.CustomResourceOptions) {
    super("Apkovl", name, { ...inputs }, provided, options);
  }
}

const provided = ["tree", "names", "lingering", "digest", "version", "manifest", "claim", "drift"] as const;
