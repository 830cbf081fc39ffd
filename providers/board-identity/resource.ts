import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic.ts";
import type { BoardIdentityInputs } from "./inputs.ts";

/** Values of other resources stand in for what only they know. */
export type BoardIdentityArgs = {
  readonly [Key in keyof BoardIdentityInputs]: pulumi.Input<BoardIdentityInputs[Key]>;
};

/**
 * A board's SSH host key and certificate, on the boot server that hands them to it. Both seeds are encrypted in the
 * state, and are in no output.
 */
export class BoardIdentity extends DynamicResource {
  constructor(name: string, inputs: BoardIdentityArgs, options?: pulumi.CustomResourceOptions) {
    const secrets = { hostSeed: pulumi.secret(inputs.hostSeed), caSeed: pulumi.secret(inputs.caSeed) };
    super("BoardIdentity", name, { ...inputs, ...secrets }, provided, options);
  }
}

const provided = ["digest", "publicKey", "serial", "issued", "expires", "archive", "drift"] as const;
