import { generationWord } from "../../providers/tftp-tree/generation.ts";
import { unknownValue } from "../../providers/tftp-tree/inputs.ts";
import { printSize } from "../../site/units.ts";

/** What a resource comes to, for people: the texts that are rendered for it, and its other settings. */
export interface Content {
  readonly texts: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** Paths of what is not known before it is made. */
  readonly unknown: ReadonlySet<string>;
}

/** The content of a resource of this type, by its inputs. */
export function contentOf(type: string, inputs: Readonly<Record<string, unknown>>): Content {
  const texts = new Map<string, string>();
  const settings = new Map<string, string>();
  const unknown = new Set<string>();
  for (const [path, value] of leavesOf(type, inputs)) {
    const shown = visible(value);
    if (value === unknownValue) unknown.add(path);
    else if (shown.includes("\n")) texts.set(path, shown);
    else if (shown !== "") settings.set(path, shown);
  }
  return { texts, settings, unknown };
}

/** With everything written out that a terminal or a reader's eye could take for something else. */
function visible(text: string): string {
  return text.replaceAll(unseen, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Control characters but tab and end of line, and marks that turn the direction of text around. */
const unseen = /(?![\t\n])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

type Leaf = readonly [path: string, value: string];

/** Hashes that follow from the rest, what is said elsewhere too, and what is the engine's own. */
const derived = ["__provider", "__defaults", "triggers", "generation", "image", "version", "served"];
/** What is said by another step of the same machine too. */
const repeated = ["BRAMBLE_K3S_BUNDLE"];

function leavesOf(type: string, { ...inputs }: Readonly<Record<string, unknown>>): Leaf[] {
  const rest = Object.entries(inputs).filter(([key]) => !derived.includes(key));
  switch (type.split(":").at(-1)) {
    case "TftpTree":
      return rest.flatMap(([key, value]) => {
        if (key === "files")
          return filesOf("", value).map(([path, text]) => [path.replace(`${generationWord}/`, ""), text]);
        // The bootloader's settings are shown where they are set; here they are an unreadable copy.
        return key === "update" ? [] : flat(key === "blobs" ? "" : key, value, "/");
      });
    case "Apkovl": {
      const image = `${String(inputs.profile)}.apkovl/`;
      return rest.flatMap(([key, value]) => {
        if (key === "files") return filesOf(image, value);
        if (key === "links") return flat(image, value, "");
        return key === "attributes" ? flat(`mode of ${image}`, value, "") : flat(key, value);
      });
    }
    case "BootloaderConfig":
      // Its version says more to people than its hash.
      return [...rest.flatMap(([key, value]) => flat(key, value)), ...flat("bootloader", versionOf(inputs.image))];
    case "Command":
      return rest.flatMap(([key, value]) => (key === "environment" ? variablesOf(value) : flat(key, value)));
    case "Volume":
      return rest.flatMap(([key, value]) => flat(key, key === "size" ? sizeOf(value, 2 ** 20) : value));
    case "Domain":
      return rest.flatMap(([key, value]) => flat(key, key === "memory" ? sizeOf(value, 1) : value));
    case "CloudinitDisk":
      return rest.flatMap(([key, value]) => flat(seedFiles[key] ?? key, value));
    default:
      return rest.flatMap(([key, value]) => flat(key, value));
  }
}

const seedFiles: Readonly<Record<string, string>> = {
  userData: "user-data",
  metaData: "meta-data",
  networkConfig: "network-config",
};

/** Texts by path. They are texts also when they have one line, and that is without an end. */
function filesOf(folder: string, files: unknown): Leaf[] {
  return flat("", files, "").map(([path, text]) => {
    const lines = path.endsWith("cmdline.txt") ? `${text.trimEnd().replaceAll(" ", "\n")}\n` : text;
    return [folder + path, lines.endsWith("\n") ? lines : `${lines}\n`];
  });
}

/** Variables of a step: BRAMBLE_SLURM_CONF is slurm.conf, and JSON is shown by its parts. */
function variablesOf(environment: unknown): Leaf[] {
  const variables = Object.entries(isRecord(environment) ? environment : {});
  return variables.flatMap(([variable, value]) => {
    if (repeated.includes(variable)) return [];
    const name = variable
      .replace(/^BRAMBLE_/, "")
      .toLowerCase()
      .replace(/_conf$/, ".conf")
      .replaceAll("_", "-");
    return flat(name, typeof value === "string" ? parsed(value) : value);
  });
}

function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text; // a text that only begins like JSON
    throw error;
  }
}

/** The parts of a value by their paths. Lists of words are one value; things with names stand under these. */
function flat(path: string, value: unknown, separator = "."): Leaf[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [[path, value]];
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) return [[path, value.join(", ")]];
    return value.flatMap((item, index) => {
      const named = isRecord(item) && typeof item.name === "string" ? `${path}.${item.name}` : `${path}[${index}]`;
      return flat(named, item, separator);
    });
  }
  if (!isRecord(value)) return [[path, String(value)]];
  const below = (key: string) => (path === "" || separator === "" ? path + key : path + separator + key);
  return Object.entries(value).flatMap(([key, part]) => flat(below(key), part, separator));
}

/** A size in units that people use. */
function sizeOf(value: unknown, unitsInMiB: number): unknown {
  return typeof value === "number" ? printSize(value / unitsInMiB) : value;
}

function versionOf(image: unknown): unknown {
  return isRecord(image) ? image.version : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
