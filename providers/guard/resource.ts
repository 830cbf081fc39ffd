import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic.ts";
import type { GuardRequest } from "./inputs.ts";

/** Refuses a change of the site that would do harm, before anything that depends on it is registered. */
export class PlanGuard extends DynamicResource {
  constructor(name: string, request: GuardRequest, options?: pulumi.CustomResourceOptions) {
    super("PlanGuard", name, { ...request }, ["digest"], options);
  }
}
