import type * as pulumi from "@pulumi/pulumi";
import { printBootConf } from "../../formats/bootconf.ts";
import { DynamicResource } from "../dynamic.ts";
import type { BootloaderInputs, BootloaderUpdate, UpdateState } from "./inputs.ts";

export type BootloaderUpdateArgs = { readonly [Part in keyof BootloaderUpdate]: pulumi.Input<BootloaderUpdate[Part]> };

/** The settings and the version of one board's bootloader. What the board is to take is published by its TftpTree. */
export class BootloaderConfig extends DynamicResource {
  declare protected readonly state: pulumi.Output<UpdateState>;
  /** The update for the board's boot folder. Previews know all that decides about it, and not what it comes to. */
  readonly update: BootloaderUpdateArgs;

  constructor(name: string, inputs: BootloaderInputs, options?: pulumi.CustomResourceOptions) {
    super("BootloaderConfig", name, { ...inputs }, ["digest", "config", "state", "reported"], options);
    const { state } = this;
    this.update = {
      ...{ image: inputs.image.sha256, model: inputs.model, config: printBootConf(inputs.settings) },
      ...{ sha256: state.sha256, taken: state.taken, confirmed: state.confirmed },
    };
  }
}
