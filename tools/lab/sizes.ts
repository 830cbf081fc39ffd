import type { LabSize } from "./host/resources.ts";

/** Memory of the lab's guests, in MiB. */
export interface GuestMemory {
  readonly controller: number;
  readonly worker: number;
  readonly server: number;
  readonly agent: number;
}

export type SizeName = "normal" | "small";

/** The sizes that a lab can have, the largest first. */
export const sizes: Record<SizeName, GuestMemory> = {
  normal: { controller: 640, worker: 512, server: 2048, agent: 1024 },
  small: { controller: 448, worker: 384, server: 1536, agent: 768 },
};

/** How many workers a lab has unless told otherwise. */
export const defaultWorkers = 2;

const mib = 2 ** 20;
/** What QEMU takes beside the memory of its guest, seen under emulation. */
const perGuest = 160 * mib;
/** Disk for the two guest images, each once built and once in the pool, and for k3s with its images. */
const imageDisk = 3000 * mib;
/** What each guest writes, and what a node of k3s writes beyond that when it unpacks k3s and its images. */
const diskPerGuest = 400 * mib;
const diskPerNode = 1000 * mib;

/** What a lab of a size takes of the machine. */
export function labSize(name: SizeName, workers: number): LabSize {
  const memory = sizes[name];
  return {
    name,
    memory:
      (memory.controller + workers * memory.worker + memory.server + memory.agent) * mib + (3 + workers) * perGuest,
    disk: imageDisk + (3 + workers) * diskPerGuest + 2 * diskPerNode,
    cores: 1,
  };
}
