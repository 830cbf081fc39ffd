import * as pulumi from "@pulumi/pulumi";
import { bootServerFiles } from "../providers/steps/boot-server-files.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Boot, HostName, Site } from "../site/model.ts";
import { Board } from "./board.ts";
import type { BoardGate } from "./board-gate.ts";
import type { BoardPlan, BootPlan } from "./boot-plan.ts";
import { BootServer } from "./boot-server.ts";
import { bootSource, reachedServer } from "./boot-source.ts";
import { hostKeyOf } from "./key-files.ts";

export interface NetworkBootArgs {
  readonly site: Site & { readonly boot: Boot };
  readonly plan: BootPlan;
  readonly keys: SiteKeys;
  readonly siteId: string;
  /** OpenSSH private key that logs in to the boot server and to boards. */
  readonly deployKey: string;
}

/**
 * The boot server and every board that boots from it. What comes back is how each board is asked whether it is ready,
 * by name.
 */
export function networkBoot(args: NetworkBootArgs, parent: pulumi.Resource): ReadonlyMap<HostName, BoardGate> {
  const { site, plan, keys, siteId, deployKey } = args;
  const { boot, network } = site;
  const owner = { site: site.name, id: siteId };
  const reached = reachedServer(boot, keys);
  if (plan.warnings.length > 0) void pulumi.log.warn(plan.warnings.join("\n"), parent);
  const { parts } = new BootServer(boot.server.board, { plan, boot, network, owner, reached, deployKey }, { parent });
  return new Map(
    plan.boards.map((planned) => {
      const { name, address, user, serial } = planned.board;
      const hostKey = hostKeyOf(planned.board, keys);
      const identity = identityOf(planned, args);
      const board = new Board(
        name,
        { plan: planned, parts, keep: boot.server.keep, hostKey, ...(identity && { identity }) },
        { parent },
      );
      const gate: BoardGate = {
        board: { name, address, user, hostKey, serial },
        source: bootSource(boot, site.name, keys),
        deployKey,
        patienceSeconds: boot.server.patienceSeconds,
        after: board.published,
      };
      return [name, gate];
    }),
  );
}

/** The keys of a board that gets its identity from the boot server; others have one of their own, or nobody to ask. */
function identityOf({ board }: BoardPlan, { site, keys }: NetworkBootArgs) {
  if (!site.boot.server.managed || board.hostKey !== undefined) return undefined;
  const hex = (seed: Uint8Array) => Buffer.from(seed).toString("hex");
  return {
    root: bootServerFiles(site.name).identities,
    hostSeed: hex(keys.sshHostKey(board.name)),
    caSeed: hex(keys.sshCa()),
  };
}
