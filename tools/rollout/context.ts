import { bootSource } from "../../components/boot-source.ts";
import { hostKeyOf } from "../../components/key-files.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { BootSource } from "../../providers/readiness/boot-server.ts";
import type { Graces } from "../../providers/readiness/give-up.ts";
import type { ExpectedBoard } from "../../providers/readiness/judge.ts";
import type { PlacedTree } from "../../providers/tftp-tree/hold.ts";
import type { SshTarget } from "../../providers/transport/ssh.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { Boot, NetworkBoard, Site } from "../../site/model.ts";

/** How long things may take that are waited for, in seconds. */
export interface Patience {
  /** A board to restart, until it says that it is ready. */
  readonly board: number;
  /** A board that was put back and does not answer: one whose kernel panicked comes by itself. */
  readonly byItself: number;
  /** VMs to shut down, as long as libvirt waits for them when a board goes down; and to run again. */
  readonly vms: number;
  /** Nodes to respond to their cluster, once their VM runs. */
  readonly nodes: number;
}

/** A site whose boards are restarted, and who is told what happens. */
export interface Context {
  readonly site: Site & { readonly boot: Boot };
  readonly keys: SiteKeys;
  readonly siteId: string;
  /** OpenSSH private key that logs in everywhere. */
  readonly deployKey: string;
  readonly source: BootSource;
  readonly say: (line: string) => void;
  readonly patience: Patience;
  /** In place of the usual ones. */
  readonly graces?: Graces;
}

export function contextOf(
  site: Site & { readonly boot: Boot },
  keys: SiteKeys,
  siteId: string,
  say: Context["say"],
): Context {
  return {
    ...{ site, keys, siteId, say },
    deployKey: sshKeyPair(keys.deployKey()).privateKey,
    source: bootSource(site.boot, site.name, keys),
    patience: { board: site.boot.server.patienceSeconds, byItself: 180, vms: 300, nodes: 600 },
  };
}

/** How a board is logged in to, and known again. */
export function targetOf({ keys }: Context, board: NetworkBoard): SshTarget & ExpectedBoard {
  const { name, address, user, serial } = board;
  return { name, address, user, serial, hostKey: hostKeyOf(board, keys) };
}

/** A board's boot folder on the boot server. */
export function treeOf({ site, siteId, source, deployKey }: Context, board: string): PlacedTree {
  const { server } = site.boot;
  return {
    server: source,
    root: server.tftpRoot,
    owner: { site: site.name, id: siteId },
    tree: board,
    keep: server.keep,
    deployKey,
  };
}
