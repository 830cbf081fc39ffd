import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic.ts";
import type { TftpTreeInputs } from "./inputs.ts";

export type { TreePlace } from "./inputs.ts";

/** Values of other resources stand in for what only they know. */
export type TftpTreeArgs = { readonly [Key in keyof TftpTreeInputs]: pulumi.Input<TftpTreeInputs[Key]> };

/** All that one board finds by TFTP, or all boards by HTTP. */
export class TftpTree extends DynamicResource {
  constructor(name: string, inputs: TftpTreeArgs, options?: pulumi.CustomResourceOptions) {
    super("TftpTree", name, { ...inputs }, provided, options);
  }
}

const provided = ["lingering", "digest", "version", "manifest", "updateTime", "drift"] as const;
