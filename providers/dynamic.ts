import * as pulumi from "@pulumi/pulumi";

/** Where the engine finds the code of a kind of resource: the module's name is in every state, so it stays. */
const implementations = {
  BoardIdentity: "@bramble/providers/board-identity/provider",
  Apkovl: "@bramble/providers/apkovl/provider",
  PlanGuard: "@bramble/providers/guard/provider",
  BootloaderConfig: "@bramble/providers/bootloader-config/provider",
  Roster: "@bramble/providers/roster/provider",
  TftpTree: "@bramble/providers/tftp-tree/provider",
} as const;

/**
 * The SDK writes the program's stack into the state of every resource: 500 bytes of file names, with folders of the
 * machine that ran it, and others with every change of this code. A state is to be the same whoever ran `up`.
 */
Reflect.set(pulumi.Resource, "stackTrace", () => []);

export type DynamicKind = keyof typeof implementations;

/**
 * A resource whose provider is code of this project. The engine keeps, as `__provider`, a text that it evaluates to get
 * at that code. `pulumi.dynamic.Resource` would make the text by serializing the provider, 2 KB in inputs and outputs
 * of every resource, with whatever it closes over. This one line does the same, is never a difference between two
 * versions of the project, and holds nothing.
 */
export abstract class DynamicResource extends pulumi.CustomResource {
  /**
   * @param outputs names of what the provider adds to the inputs, which previews don't know.
   */
  constructor(
    kind: DynamicKind,
    name: string,
    inputs: pulumi.Inputs,
    outputs: readonly string[],
    options?: pulumi.CustomResourceOptions,
  ) {
    const provided = Object.fromEntries(outputs.map((output) => [output, undefined]));
    const __provider = `exports.handler=()=>require("${implementations[kind]}")`;
    super(`pulumi-nodejs:dynamic/bramble:${kind}`, name, { ...provided, ...inputs, __provider }, options);
  }
}
