import * as pulumi from "@pulumi/pulumi";
import { generationWord } from "../providers/tftp-tree/generation.ts";
import { TftpTree, type TreePlace } from "../providers/tftp-tree/resource.ts";
import { type SystemPlan, systemTree } from "./boot-plan.ts";
import { type BootServicesArgs, bootServices } from "./boot-services.ts";

export interface BootServerArgs extends BootServicesArgs {
  readonly system: SystemPlan;
}

/** What a board needs of its boot server. */
export interface BootServerParts {
  /** Where boards' folders are. */
  readonly tftp: TreePlace;
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
    const { generation, blobs } = args.system;
    new TftpTree(
      `${name}/${systemTree}`,
      {
        ...place,
        root: server.httpRoot,
        tree: systemTree,
        names: [systemTree],
        generation,
        files: {},
        blobs: Object.fromEntries(Object.entries(blobs).map(([path, sha256]) => [`${generationWord}/${path}`, sha256])),
        keep: server.keep,
      },
      { parent: this },
    );
    if (server.managed) bootServices(`${name}/services`, args, { parent: this });
    this.parts = { tftp: { ...place, root: server.tftpRoot } };
    this.registerOutputs({});
  }
}
