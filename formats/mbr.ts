/** One partition on a disk of 512-byte sectors. */
export interface MbrPartition {
  readonly firstSector: number;
  readonly sectors: number;
  /** What is in it: `0x0c` is FAT32. */
  readonly type: number;
}

export const sectorBytes = 512;
const signatureAt = 440;
const entryAt = 446;

/**
 * The first sector of a disk with one partition, as sfdisk writes it (UEFI specification 2.10, 5.2.1). The signature,
 * 32 bits, tells disks apart. Throws if a value does not fit into its field.
 */
export function masterBootRecord({ firstSector, sectors, type }: MbrPartition, signature: number): Uint8Array {
  for (const [name, value] of Object.entries({ firstSector, sectors, signature })) {
    if (!Number.isInteger(value) || value < 1 || value > 0xffffffff)
      throw new Error(`partition table: ${name} is ${value}, and has to be a whole number from 1 to ${0xffffffff}`);
  }
  const bytes = new Uint8Array(sectorBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(signatureAt, signature, true);
  bytes.set([0, ...geometric(firstSector), type, ...geometric(firstSector + sectors - 1)], entryAt);
  view.setUint32(entryAt + 8, firstSector, true);
  view.setUint32(entryAt + 12, sectors, true);
  view.setUint16(sectorBytes - 2, 0xaa55, true);
  return bytes;
}

/** A sector as head, sector and cylinder of a disk with 255 heads and 63 sectors per track, which nothing has any more. */
function geometric(sector: number): readonly [number, number, number] {
  const cylinder = Math.floor(sector / (63 * 255));
  if (cylinder > 1023) return [0xfe, 0xff, 0xff];
  return [Math.floor(sector / 63) % 255, ((sector % 63) + 1) | ((cylinder >> 2) & 0xc0), cylinder & 0xff];
}
