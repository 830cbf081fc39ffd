import type * as pulumi from "@pulumi/pulumi";
import { printBootConf } from "../../formats/bootconf.ts";
import { DynamicResource } from "../dynamic.ts";
import type { BootloaderInputs, BootloaderUpdate, UpdateState } from "./inputs.ts";

/** The settings and the version of one board's bootloader. What the board is to take is published by its TftpTree. */
export class BootloaderConfig extends DynamicResource {
  declare protected readonly state: pulumi.Output<UpdateState>;
  /** The update for the board's boot folder. Previews know it unless it changes. */
  readonly update: pulumi.Output<BootloaderUpdate>;

  constructor(name: string, inputs: BootloaderInputs, options?: pulumi.CustomResourceOptions) {
    super("BootloaderConfig", name, { ...inputs }, ["digest", "config", "state", "reported"], options);
    const recipe = { image: inputs.image.sha256, model: inputs.model, config: printBootConf(inputs.settings) };
    this.update = this.state.apply((state) => ({ ...recipe, ...state }));
  }
}
