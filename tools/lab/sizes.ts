import { translatedMiB } from "../../formats/domain-xslt.ts";
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
/** What QEMU takes beside the memory of its guest: as seen under emulation, with the least that it keeps of translated code. */
const perGuest = (memory: number) => 160 + translatedMiB(memory) - translatedMiB(0);
/** Disk for a guest image, once built and once in the pool, and for what each guest writes. */
const imageDisk = 1200 * mib;
const diskPerGuest = 400 * mib;
/** What a node of k3s writes beyond that: k3s, its images, and what runs. */
const diskPerNode = 1000 * mib;

/** What a lab of a size takes of the machine. */
export function labSize(name: SizeName, workers: number, k3s: boolean): LabSize {
  const { controller, worker, server, agent } = sizes[name];
  const memories = [controller, ...Array<number>(workers).fill(worker), ...(k3s ? [server, agent] : [])];
  const guests = memories.length;
  return {
    name,
    memory: memories.reduce((sum, memory) => sum + memory + perGuest(memory), 0) * mib,
    disk: (k3s ? 2 : 1) * imageDisk + guests * diskPerGuest + (k3s ? 2 * diskPerNode : 0),
    cores: 1,
  };
}
