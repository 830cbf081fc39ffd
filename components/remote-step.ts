import { local } from "@pulumi/command";
import type * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { type Variable, variables } from "../providers/steps/environment.ts";

export interface RemoteStepArgs {
  /** One of providers/steps/main.ts. */
  readonly step:
    | "board-ready"
    | "boot-server"
    | "guest-ready"
    | "host-storage"
    | "k3s-bundle"
    | "k3s-manifests"
    | "k3s-node"
    | "k3s-storage"
    | "nfs-server"
    | "slurm-controller"
    | "slurm-worker";
  /** Shown in previews. */
  readonly show: Partial<Record<Variable, string>>;
  /** Encrypted in the state. */
  readonly hide: Partial<Record<Variable, string>>;
  /** When one of these is to be replaced, the step is undone before that, and done anew after it. */
  readonly machines: readonly libvirt.Domain[];
  /** Whether there is something to do when the step is undone. */
  readonly remove?: boolean;
}

/**
 * Work on a guest over SSH with a host key that is known beforehand. What the state keeps is enough to undo it from
 * any checkout of this project; nothing secret shows in a command line, a log or, in clear, in the state.
 */
export function remoteStep(name: string, args: RemoteStepArgs, options: pulumi.CustomResourceOptions): local.Command {
  const command = `node --require=./node-version.cjs providers/steps/main.ts ${args.step}`;
  const environment: Record<string, pulumi.Input<string>> = {};
  for (const [variable, value] of entries(args.show)) environment[variables[variable]] = value;
  for (const [variable, value] of entries(args.hide)) environment[variables[variable]] = pulumi.secret(value);
  return new local.Command(
    name,
    {
      create: `${command} apply`,
      update: `${command} apply`,
      ...(args.remove ? { delete: `${command} remove` } : {}),
      environment,
      // An input and not only a dependency: the engine undoes what uses a domain's output before it deletes the domain.
      triggers: args.machines.map((machine) => machine.id),
    },
    { ...options, deleteBeforeReplace: true },
  );
}

function entries(values: Partial<Record<Variable, string>>): [Variable, string][] {
  return Object.entries(values) as [Variable, string][];
}
