import * as pulumi from "@pulumi/pulumi";
import type { BoardIdentityInputs } from "../providers/board-identity/inputs.ts";
import { BoardIdentity } from "../providers/board-identity/resource.ts";
import { BootloaderConfig } from "../providers/bootloader-config/resource.ts";
import { generationWord } from "../providers/tftp-tree/generation.ts";
import { TftpTree } from "../providers/tftp-tree/resource.ts";
import type { BoardPlan } from "./boot-plan.ts";
import type { BootServerParts } from "./boot-server.ts";

export interface BoardArgs {
  readonly plan: BoardPlan;
  readonly parts: BootServerParts;
  /** How many generations of its files stay on the server. */
  readonly keep: number;
  /** The board's SSH host key, as a public key line: what it says of itself is taken from nobody else. */
  readonly hostKey: string;
  /** What it gets at each boot to prove who it is; missing where it has a key of its own. */
  readonly identity?: Pick<BoardIdentityInputs, "root" | "hostSeed" | "caSeed">;
}

/**
 * A Raspberry Pi that boots over the network: the settings of its bootloader, the folder that it boots from, and the
 * SSH identity that it gets from the boot server.
 */
export class Board extends pulumi.ComponentResource {
  /** What must be in its place before it can boot what is planned. */
  readonly published: readonly pulumi.Resource[];

  constructor(name: string, args: BoardArgs, options?: pulumi.ComponentResourceOptions) {
    super("bramble:index:Board", name, {}, options);
    const { parts, keep, hostKey } = args;
    const { board, names, folder, bootloader } = args.plan;
    const config =
      bootloader &&
      new BootloaderConfig(
        name,
        {
          model: board.model,
          serial: board.serial,
          ...bootloader,
          board: { name, address: board.address, user: board.user, hostKey },
          site: parts.tftp.owner.site,
          served: { server: parts.tftp.server, root: parts.tftp.root, names },
        },
        { parent: this },
      );
    const general = (text: string) => text.replaceAll(folder.generation, generationWord);
    const files = Object.entries(folder.files).map(([path, file]) => [general(path), file] as const);
    const texts = files.flatMap(([path, file]) => ("text" in file ? [[path, general(file.text)]] : []));
    const blobs = files.flatMap(([path, file]) => ("text" in file ? [] : [[path, file.sha256]]));
    const tree = new TftpTree(
      name,
      {
        ...parts.tftp,
        tree: name,
        names,
        generation: folder.generation,
        files: Object.fromEntries(texts),
        blobs: Object.fromEntries(blobs),
        device: board.serial,
        ...(config === undefined ? {} : { update: config.update }),
        keep,
      },
      // A board that starts in the middle of this finds what its command line names.
      { parent: this, dependsOn: [...parts.fetched] },
    );
    const identity =
      args.identity &&
      new BoardIdentity(
        name,
        {
          server: parts.tftp.server,
          owner: parts.tftp.owner,
          board: name,
          address: board.address,
          principals: [name, board.address],
          ...args.identity,
        },
        { parent: this, ...(parts.services && { dependsOn: [parts.services] }) },
      );
    this.published = [tree, ...(identity === undefined ? [] : [identity])];
    this.registerOutputs({});
  }
}
