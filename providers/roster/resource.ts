import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic.ts";
import type { RosterInputs } from "./inputs.ts";

/**
 * Who there is. The engine makes what is new before it deletes what is no more; VMs wait for the roster, and the roster
 * for those that leave: so a VM that is taken from one cluster is gone before another one starts in its place.
 */
export class Roster extends DynamicResource {
  constructor(name: string, inputs: RosterInputs, options?: pulumi.CustomResourceOptions) {
    super("Roster", name, { ...inputs }, [], options);
  }
}
