import type { Chip } from "./raspberry-pi.ts";

/** The content of a board's EEPROM, as the releases of the bootloader bring it (`pieeprom.bin`). */
export interface EepromImage {
  readonly bytes: Uint8Array;
  readonly chip: Chip;
  /** With two partitions, the bootloader updates the one that it does not run from. */
  readonly layout: "single" | "a/b";
  readonly sections: readonly EepromSection[];
  readonly release: EepromRelease;
}

export interface EepromSection {
  /** Where its header begins. */
  readonly offset: number;
  readonly kind: "bootcode" | "padding" | "file" | "data";
  /** Bytes behind the magic and the length; of a file, its name is among them. */
  readonly length: number;
  /** Of a file. */
  readonly name?: string;
}

/** What the bootloader's program says of itself. Very old releases do not say everything. */
export interface EepromRelease {
  /** In seconds since 1970. */
  readonly buildTimestamp?: number;
  /** The first digits of the commit that it was built from. */
  readonly version?: string;
  readonly date?: string;
  /** Boards say how low it may be, in `chosen/rpi-min-boot-ver`. */
  readonly manufacturingVersion?: number;
}

const imageSizes: Readonly<Record<Chip, number>> = { "2711": 524_288, "2712": 2_097_152 };
const families: Readonly<Record<Chip, string>> = { "2711": "Pi 4 family", "2712": "Pi 5 family" };

const bootcodeMagic = 0x55aaf00f;
const paddingMagic = 0x55aafeef;
const fileMagic = 0x55aaf11f;
/** The bits that all magics have in common. */
const magicMask = 0xfffff00f;

const sectionHeader = 8;
const nameLength = 12;
/** The name, and 4 zero bytes. */
const fileHeader = nameLength + 4;
const contentAt = sectionHeader + fileHeader;
const alignment = 8;

/** Files are looked for from here on, in partition A … */
const editableFrom = 0x10000;
/** … up to here, where partition B begins; the official tool ends here in images without partitions too. */
const editableTo = 0x107000;
/** The bootloader keeps timestamps in the last 4 KiB. */
const scratch = 4096;
/** What the official tool takes at most. */
const mostContent = 4076;

const configName = "bootconf.txt";
/** Only images with two partitions have it. */
const systemName = "bootsys";
const updateTimeName = "updatetime";

/**
 * Reads the chain of sections of an image (reference "Raspberry Pi boot" §3.1, §3.2). Throws if its size is that of no
 * chip's, if the chain is broken or leaves the image, and if there is not one bootconf.txt where it can be edited.
 */
export function readEepromImage(bytes: Uint8Array): EepromImage {
  const chip = (Object.keys(imageSizes) as Chip[]).find((known) => imageSizes[known] === bytes.length);
  if (chip === undefined) {
    throw new Error(
      `The EEPROM image has ${bytes.length} bytes; whole ones have ${imageSizes["2711"]} (2711) or ${imageSizes["2712"]} (2712). Download it again`,
    );
  }
  const sections = readSections(bytes);
  const configs = sections.filter((section) => section.name === configName && isEditable(section));
  const [config] = configs;
  if (config === undefined || configs.length > 1) {
    throw new Error(
      `The EEPROM image is not one of the bootloader's releases: it holds ${configs.length} files named ${configName}, and not one. Take a pieeprom-<date>.bin as it was released`,
    );
  }
  return {
    bytes,
    chip,
    layout: sections.some((section) => section.name === systemName) ? "a/b" : "single",
    sections,
    release: readRelease(bytes.subarray(0, config.offset)),
  };
}

/** Throws if the image is for other boards. */
export function requireChip(image: EepromImage, chip: Chip): void {
  if (image.chip === chip) return;
  throw new Error(
    `The EEPROM image has ${image.bytes.length} bytes, so it is for the ${image.chip} (${families[image.chip]}), but the board has a ${chip} (${families[chip]}). Take one from the bootloader's releases for the ${chip}`,
  );
}

/** The content of a file that can be edited, such as bootconf.txt or cacert.der; undefined if there is none. */
export function eepromFile(image: EepromImage, name: string): Uint8Array | undefined {
  const section = findFile(image, name);
  if (section === undefined) return undefined;
  const content = image.bytes.subarray(section.offset + contentAt, section.offset + sectionHeader + section.length);
  return new Uint8Array(content);
}

/**
 * The most bytes that a file can have in this image; 0 if the image has no such file. It differs by release. The
 * official tool counts 4 bytes of the header less, and so can write over the beginning of the next section.
 */
export function roomFor(image: EepromImage, name: string): number {
  const section = findFile(image, name);
  if (section === undefined) return 0;
  return Math.max(0, room(image, section));
}

/**
 * The image with another content of a file; the rest stays as it is, but for padding behind the file. What comes out is
 * what rpi-eeprom-config makes, byte by byte (reference §3.3). Throws if the image is broken, has no such file, or no
 * room for the content.
 */
export function replaceEepromFile(bytes: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const image = readEepromImage(bytes);
  const section = findFile(image, name);
  if (section === undefined) {
    throw new Error(`The EEPROM image holds no file ${JSON.stringify(name)} to replace; it has ${fileNames(image)}`);
  }
  const excess = content.length - room(image, section);
  if (excess > 0) {
    throw new Error(
      `${name} has ${content.length} bytes, and this EEPROM image has room for ${roomFor(image, name)}. Make it ${excess} bytes shorter, or take another release of the bootloader`,
    );
  }
  const edited = new Uint8Array(bytes);
  const view = viewOf(edited);
  view.setUint32(section.offset + 4, content.length + fileHeader);
  edited.set(content, section.offset + contentAt);
  const contentEnd = section.offset + contentAt + content.length;
  const spaceFrom = aligned(contentEnd);
  const spaceTo = spaceEnd(image, section);
  edited.fill(0xff, contentEnd, spaceTo);
  const isLast = image.sections.at(-1) === section;
  // Padding of length 0 is written too: 8 bytes of ff, as old versions of the official tool left them, end the chain.
  if (!isLast && spaceTo - spaceFrom >= sectionHeader) {
    view.setUint32(spaceFrom, paddingMagic);
    view.setUint32(spaceFrom + 4, spaceTo - spaceFrom - sectionHeader);
  }
  return edited;
}

/**
 * The image with another time of its last update, in seconds since 1970: an image that is flashed with it takes only
 * updates with a later one. As rpi-eeprom-config --timestamp does it (reference §3.3, step 6).
 */
export function withUpdateTimestamp(bytes: Uint8Array, timestamp: number): Uint8Array {
  if (!Number.isInteger(timestamp) || timestamp < 0 || timestamp > 0xffffffff) {
    throw new Error(`The update timestamp ${timestamp} is not a whole number of seconds from 0 to ${0xffffffff}`);
  }
  const image = readEepromImage(bytes);
  const edited = new Uint8Array(bytes);
  const view = viewOf(edited);
  for (const offset of timestampOffsets(image)) {
    view.setUint32(offset, ~timestamp, true);
    view.setUint32(offset + 4, timestamp, true);
  }
  return edited;
}

function timestampOffsets(image: EepromImage): readonly number[] {
  const readOnly = image.sections.find(({ name, offset }) => name === updateTimeName && offset < editableFrom);
  if (readOnly === undefined) return [image.bytes.length - 8];
  const editable = findFile(image, updateTimeName);
  if (editable === undefined || Math.min(readOnly.length, editable.length) < fileHeader + 8) {
    throw new Error(
      `The EEPROM image has no place for an update timestamp in its partition A. Take a pieeprom-<date>.bin as it was released`,
    );
  }
  return [readOnly.offset + contentAt, editable.offset + contentAt];
}

function readSections(bytes: Uint8Array): readonly EepromSection[] {
  const view = viewOf(bytes);
  const sections: EepromSection[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const magic = view.getUint32(offset);
    if (magic === 0 || magic === 0xffffffff) break;
    if ((magic & magicMask) >>> 0 !== bootcodeMagic) {
      throw new Error(
        `The EEPROM image is corrupt: at ${hex(offset)} there is ${hex(magic)} and not the beginning of a section. Download it again`,
      );
    }
    const length = view.getUint32(offset + 4);
    const end = offset + sectionHeader + length;
    if (end > bytes.length || (magic === fileMagic && length < fileHeader)) {
      throw new Error(
        `The EEPROM image is cut off or corrupt: the section at ${hex(offset)} claims ${length} bytes, and the image ends at ${hex(bytes.length)}. Download it again`,
      );
    }
    sections.push({ offset, length, ...describe(bytes, offset, magic) });
    offset = aligned(end);
  }
  return sections;
}

function describe(bytes: Uint8Array, offset: number, magic: number): Pick<EepromSection, "kind" | "name"> {
  if (magic === bootcodeMagic) return { kind: "bootcode" };
  if (magic === paddingMagic) return { kind: "padding" };
  if (magic !== fileMagic) return { kind: "data" };
  const name = latin1(bytes.subarray(offset + sectionHeader, offset + sectionHeader + nameLength));
  return { kind: "file", name: name.replaceAll("\0", "") };
}

/** The program's own text about itself. It stands before bootconf.txt, whose text could look the same. */
function readRelease(program: Uint8Array): EepromRelease {
  const buildTimestamp = textAfter(program, "BUILD_TIMESTAMP=", /^\d+/);
  const version = textAfter(program, "VERSION:", /^ ?[0-9a-f]{8,40}/);
  const date = textAfter(program, "DATE:", /^[ -~]+/);
  const manufacturingVersion = textAfter(program, "MFG_VER:", /^ ?\d+/);
  return {
    ...(buildTimestamp === undefined ? {} : { buildTimestamp: Number(buildTimestamp) }),
    ...(version === undefined ? {} : { version }),
    ...(date === undefined ? {} : { date }),
    ...(manufacturingVersion === undefined ? {} : { manufacturingVersion: Number(manufacturingVersion) }),
  };
}

/** What follows a label that is no end of a longer word, from its first place where something of this form follows. */
function textAfter(bytes: Uint8Array, label: string, form: RegExp): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = buffer.indexOf(label); at >= 0; at = buffer.indexOf(label, at + 1)) {
    const before = latin1(buffer.subarray(Math.max(0, at - 1), at));
    const [text] = form.exec(latin1(buffer.subarray(at + label.length, at + label.length + 64))) ?? [];
    if (text !== undefined && !/\w/.test(before)) return text.trim();
  }
  return undefined;
}

function isEditable({ offset }: EepromSection): boolean {
  return offset >= editableFrom && offset < editableTo;
}

function findFile(image: EepromImage, name: string): EepromSection | undefined {
  return image.sections.find((section) => section.name === name && isEditable(section));
}

/** Negative for a file that lies where none should. */
function room(image: EepromImage, file: EepromSection): number {
  return Math.min(mostContent, spaceEnd(image, file) - file.offset - contentAt);
}

/** Where the space ends that a file may grow into: at the next section that is not padding. */
function spaceEnd(image: EepromImage, file: EepromSection): number {
  const next = image.sections.find(({ offset, kind }) => offset > file.offset && kind !== "padding");
  return next?.offset ?? Math.min(image.bytes.length - scratch, editableTo);
}

function fileNames(image: EepromImage): string {
  const names = image.sections.filter(isEditable).flatMap(({ name }) => (name === undefined ? [] : [name]));
  return names.join(", ");
}

function aligned(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
