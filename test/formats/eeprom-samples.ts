/**
 * EEPROM images as the bootloader's releases lay them out (reference "Raspberry Pi boot" §3), with noise where they have
 * programs: the real ones may only be passed on whole and for use with a Raspberry Pi.
 */

export const config2711 = "[all]\nBOOT_UART=0\nWAKE_ON_GPIO=1\nPOWER_OFF_ON_HALT=0\nNET_INSTALL_AT_POWER_ON=1\n";
export const config2712 = "[all]\nBOOT_UART=1\nBOOT_ORDER=0xf461\nNET_INSTALL_AT_POWER_ON=1\n";

/** What the program of every sample says of itself. */
export const releaseText = "BUILD_TIMESTAMP=1778976000\0VERSION:0a1b2c3d\0DATE: 2026/05/17\0MFG_VER: 1\0";

export interface Sample {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly configOffset: number;
  /** Bytes that bootconf.txt can have. */
  readonly room: number;
  /** Where the space ends that bootconf.txt can grow into. */
  readonly spaceEnd: number;
}

const size2711 = 0x80000;
const size2712 = 0x200000;

/** bootconf.txt is the last section, as in 2026-05-17. */
export const last2711: Sample = {
  title: "a 2711 image that ends with bootconf.txt",
  configOffset: 0x72e00,
  room: 4076,
  spaceEnd: 0x7f000,
  bytes: image(size2711, [program(0x60000), data(0x72000), file("pubkey.bin", noise(264)), padding(0x72800)], {
    at: 0x72e00,
    parts: [file("bootconf.txt", config2711)],
  }),
};

/** bootconf.txt lies close to the end, as in 2025-07-17. */
export const tight2711: Sample = {
  title: "a 2711 image with little room",
  configOffset: 0x7ea00,
  room: 1512,
  spaceEnd: 0x7f000,
  bytes: image(size2711, [program(0x60000)], { at: 0x7ea00, parts: [file("bootconf.txt", config2711)] }),
};

export const padded2711: Sample = {
  title: "a 2711 image with files behind bootconf.txt",
  configOffset: 0x7d600,
  room: 4072,
  spaceEnd: 0x7e600,
  bytes: image(size2711, [program(0x60000)], {
    at: 0x7d600,
    parts: [file("bootconf.txt", config2711), padding(0x7e600), file("bootconf.sig", noise(1024)), padding(0x7f000)],
  }),
};

/** As in 2025-12-08. */
export const plain2712: Sample = {
  title: "a 2712 image without partitions",
  configOffset: 0x9e000,
  room: 4072,
  spaceEnd: 0x9f000,
  bytes: image(size2712, [program(0x80000)], {
    at: 0x9e000,
    parts: [file("bootconf.txt", config2712), padding(0x9f000), file("cacert.der", noise(900)), padding(0x107000)],
  }),
};

/** As in 2026-05-26. */
export const ab2712: Sample = {
  title: "a 2712 image with two partitions",
  configOffset: 0xa3000,
  room: 4076,
  spaceEnd: 0x107000,
  bytes: image(
    size2712,
    [program(0xf000), file("updatetime", fresh()), padding(0x10000), file("bootsys", noise(0x40000)), data(0x90000)],
    {
      at: 0xa2000,
      parts: [
        file("updatetime", fresh()),
        padding(0xa2a00),
        file("bootconf.sig", noise(1024)),
        padding(0xa3000),
        file("bootconf.txt", config2712),
        padding(0x107000),
        padding(0x1fe000),
      ],
    },
  ),
};

export const samples: readonly Sample[] = [last2711, tight2711, padded2711, plain2712, ab2712];

type Part = (offset: number) => Uint8Array;

/** Sections one behind the other from 0 on, and others from `end.at` on; the data between them is one more section. */
function image(size: number, start: readonly Part[], end: { readonly at: number; readonly parts: readonly Part[] }) {
  const bytes = new Uint8Array(size).fill(0xff);
  let offset = 0;
  for (const part of [...start, data(end.at), ...end.parts]) {
    const section = part(offset);
    bytes.set(section, offset);
    offset = Math.ceil((offset + section.length) / 8) * 8;
  }
  return bytes;
}

function section(magic: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

function file(name: string, content: string | Uint8Array): Part {
  return () => section(0x55aaf11f, Buffer.concat([Buffer.from(name.padEnd(16, "\0")), Buffer.from(content)]));
}

function program(until: number): Part {
  return (offset) =>
    section(0x55aaf00f, Buffer.concat([Buffer.from(releaseText), noise(until - offset - 8 - releaseText.length)]));
}

function data(until: number): Part {
  return (offset) => section(0x55aaf44f, noise(until - offset - 8));
}

function padding(until: number): Part {
  return (offset) => section(0x55aafeef, new Uint8Array(until - offset - 8).fill(0xff));
}

/** An update time that was never set. */
function fresh(): Uint8Array {
  return Uint8Array.from([0, 0, 0, 0, 255, 255, 255, 255]);
}

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + 1) & 0xff);
}
