import type * as pulumi from "@pulumi/pulumi";
import type { BootloaderUpdateArgs } from "../bootloader-config/resource.ts";
import { DynamicResource } from "../dynamic.ts";
import type { TftpTreeInputs } from "./inputs.ts";

export type { TreePlace } from "./inputs.ts";

/** Values of other resources stand in for what only they know. */
export type TftpTreeArgs = {
  readonly [Key in keyof Omit<TftpTreeInputs, "update">]: pulumi.Input<TftpTreeInputs[Key]>;
} & { readonly update?: BootloaderUpdateArgs };

/** All that one board finds by TFTP, or all boards by HTTP. */
export class TftpTree extends DynamicResource {
  constructor(name: string, inputs: TftpTreeArgs, options?: pulumi.CustomResourceOptions) {
    super("TftpTree", name, { ...inputs }, provided, options);
  }
}

const provided = ["lingering", "digest", "version", "manifest", "updateTime", "drift"] as const;
