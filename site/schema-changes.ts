import * as z from "zod";
import { count, planWord, words } from "./fields.ts";

/**
 * The part of the schema that is about changes: how much one may do at once, how boards take them, and what was allowed to
 * one of them.
 */

export const limits = z
  .strictObject({
    moves: count(1, 10_000)
      .default(10)
      .meta({ description: "How many VMs one change may move to another host or make again" }),
    boards: count(1, 10_000)
      .default(2)
      .meta({ description: "How many boards one change may take out of the site or say to be lost" }),
  })
  .prefault({})
  .meta({ description: "How much one change may do at once; more is refused before anything is done" });

export const rollout = z
  .strictObject({
    batch: count(1, 10_000)
      .optional()
      .meta({
        description:
          "How many boards restart at once, at most `limits.boards`. Left out: one by one those that run VMs, others as many as that",
        examples: [1],
      }),
  })
  .prefault({})
  .meta({ description: "How `rollout` restarts boards that are to boot what `up` published" });

const allowance = (what: string) =>
  z
    .strictObject({
      plan: planWord().meta({ description: "The word that the refusal prints. It holds for that one change" }),
      because: words("The queue is empty, and the homes are copied to nas").meta({
        description: "Why it is meant, in words for those who read the change",
      }),
    })
    .optional()
    .meta({
      description: what,
      examples: [{ plan: "p3f2a9c41", because: "The queue is empty, and the homes are copied to nas" }],
    });

export const allow = z
  .strictObject({
    "quorum-lost": allowance("Fewer servers of a k3s cluster stay than its database needs"),
    "cluster-broken": allowance("A k3s cluster gets keys, networks or a release that it doesn't survive"),
    "last-controller": allowance("A Slurm cluster loses its controller while it has workers"),
    "data-lost": allowance("A VM loses a data disk, of a cluster that is not `disposable`"),
    "disk-shared": allowance("A VM of the same name is in another cluster now, with the same disks"),
    "storage-taken": allowance("A storage goes away under hosts with VMs on it"),
    "too-many-boards": allowance("More boards go at once than `limits.boards`"),
    "too-many-moves": allowance("More VMs move or are made again at once than `limits.moves`"),
  })
  .prefault({})
  .meta({
    description: "What one change may do though `up` refuses it, by the name of the rule",
  });
