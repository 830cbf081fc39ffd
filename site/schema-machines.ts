import * as z from "zod";
import { count, disk, memory, name } from "./fields.ts";

/** What a site file says of VMs, whatever they do. */

/** The least that a Debian guest starts in. */
const leastVmMemoryMiB = 256;

export const cpus = (usual: number) =>
  count(1, 64).default(usual).meta({ description: "Virtual processors; at most as many as the host has cores" });
export const vmMemory = memory(leastVmMemoryMiB).meta({ description: "Memory of each VM" });
export const systemDisk = (usual: string) =>
  disk(2)
    .prefault(usual)
    .meta({ description: "System disk of each VM; nothing on it is kept when the image or the host changes" });
export const host = name().optional().meta({ description: "The board to run on, all of them" });
export const hosts = z
  .array(name())
  .min(1)
  .optional()
  .meta({ description: "The boards to choose from. Left out: all" });
export const disposable = z
  .boolean()
  .default(false)
  .meta({ description: "true: the data disk is deleted with the cluster" });
