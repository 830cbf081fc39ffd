import * as z from "zod";
import { choice, count, disk, duration, groupName, ipv4, name, range } from "./fields.ts";
import { cpus, disposable, host, hosts, systemDisk, vmMemory } from "./schema-machines.ts";

/** What a site file says of a Slurm cluster. */

const controller = z
  .strictObject({
    address: ipv4("10.20.0.100").meta({ description: "Its address" }),
    memory: vmMemory,
    cpus: cpus(1),
    disk: systemDisk("4GiB"),
    data: disk(1)
      .prefault("8GiB")
      .meta({ description: "Data disk, for Slurm's state and the users' homes; it outlives the VM" }),
    host: name().optional().meta({ description: "The board to run on. Left out: chosen" }),
  })
  .meta({
    description: "The VM that runs slurmctld and holds the shared home",
    examples: [{ address: "10.20.0.100", memory: "1GiB" }],
  });

const workerGroup = z
  .strictObject({
    count: count(0, 1024).meta({ description: "How many there are now" }),
    addresses: range().meta({
      description: "Their addresses; the length of the range is the most the group can grow to",
    }),
    memory: vmMemory,
    cpus: cpus(1),
    disk: systemDisk("4GiB"),
    host,
    hosts,
  })
  .meta({ description: "Workers that are alike" });

const partition = z
  .strictObject({
    workers: z.array(groupName()).min(1).meta({ description: "Worker groups in it" }),
    maxTime: duration().prefault("24h").meta({ description: "The longest a job may run" }),
    default: z
      .boolean()
      .optional()
      .meta({ description: "Whether jobs go here that name no partition. The only one always is" }),
  })
  .meta({ description: "A Slurm partition" });

export const slurmCluster = z
  .strictObject({
    type: choice("slurm").meta({ description: "What kind of cluster" }),
    controller,
    workers: z.record(groupName(), workerGroup).meta({
      description: "Worker groups by name; the third VM of group n of cluster c is c-n3",
      examples: [{ n: { count: 2 } }],
    }),
    partitions: z
      .record(name(), partition)
      .optional()
      .meta({ description: "Partitions by name. Left out: one, `main`, of all groups" }),
    drain: z
      .strictObject({
        timeout: duration()
          .prefault("30m")
          .meta({ description: "How long to wait for jobs to end before a VM is removed" }),
      })
      .prefault({})
      .meta({ description: "What happens before a VM is removed" }),
    disposable,
  })
  .meta({ description: "A Slurm cluster" });

export type SlurmClusterInput = z.output<typeof slurmCluster>;
export type WorkerGroupInput = z.output<typeof workerGroup>;
