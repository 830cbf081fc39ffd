import type { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Apkovl, imageInputs } from "../providers/apkovl/resource.ts";
import { generationWord } from "../providers/tftp-tree/generation.ts";
import { TftpTree, type TreePlace } from "../providers/tftp-tree/resource.ts";
import type { BootPlan } from "./boot-plan.ts";
import { type BootServicesArgs, bootServices } from "./boot-services.ts";

export interface BootServerArgs extends BootServicesArgs {
  readonly plan: BootPlan;
}

/** What a board needs of its boot server. */
export interface BootServerParts {
  /** Where boards' folders are. */
  readonly tftp: TreePlace;
  /** What runs on it; missing where somebody else looks after that. */
  readonly services: local.Command | undefined;
  /** What a board fetches once its kernel runs. */
  readonly fetched: readonly pulumi.Resource[];
}

/**
 * The machine that boards boot from: a folder served by TFTP, in which each board has one of its own, and a folder
 * served by HTTP with what all of them fetch once their kernel runs.
 */
export class BootServer extends pulumi.ComponentResource {
  readonly parts: BootServerParts;

  constructor(name: string, args: BootServerArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:BootServer", name, {}, options);
    const { server } = args.boot;
    const place = { server: args.reached, owner: args.owner };
    const { trees, images, released } = args.plan;
    const http = { ...place, root: server.httpRoot, keep: server.keep };
    const published = trees.map(({ name: tree, generation, blobs }) => {
      const paths = Object.entries(blobs).map(([path, sha256]) => [`${generationWord}/${path}`, sha256]);
      const content = { tree, names: [tree], generation, files: {}, blobs: Object.fromEntries(paths) };
      return new TftpTree(`${name}/${tree}`, { ...http, ...content }, { parent: this });
    });
    const systems = images.map(
      ({ profile, rendered }) =>
        new Apkovl(profile, { ...http, profile, released, ...imageInputs(rendered) }, { parent: this }),
    );
    const services = server.managed ? bootServices(`${name}/services`, args, { parent: this }) : undefined;
    this.parts = { tftp: { ...place, root: server.tftpRoot }, services, fetched: [...published, ...systems] };
    this.registerOutputs({});
  }
}
