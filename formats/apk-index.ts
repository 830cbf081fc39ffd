import { ApkFormatError } from "./apk-container.ts";

/** A package as an index (APKINDEX) lists it. Words are those of apk: `so:libc.musl-aarch64.so.1`, `musl>=1.2`, `!b`. */
export interface ApkPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes when it is installed. */
  readonly installedSize: number;
  /** `Q1` and the SHA-1 of its control data in base64. */
  readonly checksum: string;
  readonly depends: readonly string[];
  readonly provides: readonly string[];
  /** It comes by itself where all of these are. */
  readonly installIf: readonly string[];
  /** Of several that provide a name without a version, the highest is taken; 0 is none. */
  readonly priority: number;
  /** What it was built with, where it is a part: `libvirt`. */
  readonly origin: string;
}

/** The name of its file beside the index. */
export function apkFileName({ name, version }: Pick<ApkPackage, "name" | "version">): string {
  return `${name}-${version}.apk`;
}

const none: readonly string[] = [];
/** Both become part of a file's path. */
const nameForm = /^[A-Za-z0-9_][\w.+-]*$/;
const versionForm = /^\d[\w.~-]*$/;

/**
 * The packages of an index's text (reference alpine-boot.md 3.6; apk-tools(5)).
 * @throws ApkFormatError that names the line of an entry that is none
 */
export function parseApkIndex(text: string): readonly ApkPackage[] {
  const packages: ApkPackage[] = [];
  let entry = newEntry();
  let begin = 0;
  let line = 0;
  for (let from = 0; from <= text.length; ) {
    const found = text.indexOf("\n", from);
    const to = found === -1 ? text.length : found;
    line++;
    if (to === from) {
      if (begin > 0) packages.push(finished(entry, begin));
      entry = newEntry();
      begin = 0;
    } else {
      begin ||= line;
      readField(entry, text, from, to, line);
    }
    from = to + 1;
  }
  if (begin > 0) packages.push(finished(entry, begin));
  return packages;
}

type Entry = { -readonly [Key in keyof ApkPackage]: ApkPackage[Key] };

function newEntry(): Entry {
  return {
    name: "",
    version: "",
    arch: "",
    size: -1,
    installedSize: 0,
    checksum: "",
    depends: none,
    provides: none,
    installIf: none,
    priority: 0,
    origin: "",
  };
}

function readField(entry: Entry, text: string, from: number, to: number, line: number): void {
  if (text[from + 1] !== ":")
    throw new ApkFormatError(`has in line ${line} no field: ${text.slice(from, Math.min(to, from + 60))}`);
  const value = () => text.slice(from + 2, to);
  switch (text[from]) {
    case "P":
      entry.name = value();
      break;
    case "V":
      entry.version = value();
      break;
    case "A":
      entry.arch = value();
      break;
    case "S":
      entry.size = Number(value());
      break;
    case "I":
      entry.installedSize = Number(value());
      break;
    case "C":
      entry.checksum = value();
      break;
    case "D":
      entry.depends = words(value());
      break;
    case "p":
      entry.provides = words(value());
      break;
    case "i":
      entry.installIf = words(value());
      break;
    case "k":
      entry.priority = Number(value());
      break;
    case "o":
      entry.origin = value();
      break;
  }
}

function finished(entry: Entry, line: number): ApkPackage {
  const { name, version, size, checksum, priority } = entry;
  const wrong = [
    ...(nameForm.test(name) ? [] : ["P (name)"]),
    ...(versionForm.test(version) ? [] : ["V (version)"]),
    ...(Number.isInteger(size) && size >= 0 ? [] : ["S (size)"]),
    ...(checksum.length === 30 && checksum.startsWith("Q1") ? [] : ["C (checksum)"]),
    ...(Number.isInteger(priority) ? [] : ["k (priority)"]),
  ];
  if (wrong.length === 0) return entry;
  throw new ApkFormatError(`has at line ${line} a package without a proper ${wrong.join(", ")}`);
}

function words(text: string): readonly string[] {
  const all = text.split(" ");
  return all.includes("") ? all.filter((word) => word !== "") : all;
}
