import type { LabSize } from "./host/resources.ts";

/** Memory of the lab's guests, in MiB. */
export interface GuestMemory {
  readonly controller: number;
  readonly worker: number;
}

export type SizeName = "normal" | "small";

/** The sizes that a lab can have, the largest first. */
export const sizes: Record<SizeName, GuestMemory> = {
  normal: { controller: 640, worker: 512 },
  small: { controller: 448, worker: 384 },
};

/** How many workers a lab has unless told otherwise. */
export const defaultWorkers = 2;

const mib = 2 ** 20;
/** What QEMU takes beside the memory of its guest, seen under emulation. */
const perGuest = 160 * mib;
/** Disk for the guest image, once built and once in the pool, and for what each guest writes. */
const imageDisk = 1200 * mib;
const diskPerGuest = 400 * mib;

/** What a lab of a size takes of the machine. */
export function labSize(name: SizeName, workers: number): LabSize {
  const memory = sizes[name];
  return {
    name,
    memory: (memory.controller + workers * memory.worker) * mib + (1 + workers) * perGuest,
    disk: imageDisk + (1 + workers) * diskPerGuest,
    cores: 1,
  };
}
