import { isDeepStrictEqual } from "node:util";

/** A line of config.txt. */
export type ConfigLine =
  | { readonly kind: "setting"; readonly name: string; readonly value: string }
  /** The files that make up the initramfs, one behind the other; it is placed in memory after the kernel. */
  | { readonly kind: "initramfs"; readonly files: readonly string[] }
  /** A condition for what follows, without its brackets: `all`, `pi4`, `gpio4=1`. */
  | { readonly kind: "filter"; readonly name: string }
  | { readonly kind: "comment"; readonly text: string };

export interface ConfigProblem {
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  /** A warning is about something that boards take, but probably not as it is meant. */
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** Network boot ignores what is longer, or all of it (raspberrypi/firmware#1012 and #1575). */
const mostBytes = 4095;
/** The rest of a longer line is ignored. */
const longestLine = 98;

/** Filters that firmware knows (reference "Raspberry Pi boot" §1.4, documentation "Conditional filters"). */
const knownFilters: readonly RegExp[] = [
  /^(all|none|tryboot|pi0|pi0w|pi02|pi1|pi2|pi3|pi3\+|pi4|pi5|pi400|pi500|cm4|cm4s|cm5)$/,
  /^0x[0-9a-fA-F]{1,8}$/,
  /^gpio[0-9]{1,2}=[01]$/,
  /^board-type=0x[0-9a-fA-F]{1,2}$/,
  /^EDID=[!-~]+$/,
  /^HDMI:[01]$/,
  /^(partition|boot_partition|boot_arg1|boot_count|bootvar0|board_attributes|cust_otp[0-7])(=|&|<|>)(0x[0-9a-fA-F]+|[0-9]+)(=(0x[0-9a-fA-F]+|[0-9]+))?$/,
];

/**
 * The text of config.txt, LF at the end of each line. Throws, with all that is wrong, if a line is none or the file
 * breaks a limit of network boot (reference "Raspberry Pi boot" §5).
 */
export function printConfigTxt(lines: readonly ConfigLine[]): string {
  const text = lines.map((line) => `${printChecked(line)}\n`).join("");
  const errors = checkConfigTxt(text).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(printProblem).join("\n"));
  return text;
}

/** The lines of a config.txt, blank ones left out, and what is wrong with it. A line with an error is left out too. */
export function parseConfigTxt(text: string): {
  readonly lines: readonly ConfigLine[];
  readonly problems: readonly ConfigProblem[];
} {
  const lines: ConfigLine[] = [];
  const problems: ConfigProblem[] = [];
  const wrong = (line: number, message: string, severity: ConfigProblem["severity"] = "error") =>
    problems.push({ line, severity, message });

  const bytes = Buffer.byteLength(text);
  if (bytes > mostBytes) {
    wrong(0, `config.txt has ${bytes} bytes, and network boot takes ${mostBytes}: remove comments or settings`);
  }
  if (text !== "" && !text.endsWith("\n")) wrong(0, "the last line of config.txt has no end: add a line feed");
  text
    .replace(/\n$/, "")
    .split("\n")
    .forEach((content, index) => {
      const number = index + 1;
      if (content.length > longestLine) {
        wrong(number, `has ${content.length} characters, and boards ignore all after ${longestLine}: split it`);
      }
      if (content === "") return;
      const line = readLine(content);
      if (typeof line === "string") {
        wrong(number, line);
        return;
      }
      if (line.kind === "filter" && !knownFilters.some((known) => known.test(line.name))) {
        wrong(number, `the filter [${line.name}] is not known, and boards take an unknown one as true`, "warning");
      }
      lines.push(line);
    });
  return { lines, problems };
}

/** What is wrong with a config.txt for network boot; the empty list if nothing is. */
export function checkConfigTxt(text: string): readonly ConfigProblem[] {
  return parseConfigTxt(text).problems;
}

/** One line of config.txt as a person writes it. Throws if it is none. */
export function parseConfigLine(content: string): ConfigLine {
  const line = readLine(content);
  if (typeof line === "string") throw new Error(`${JSON.stringify(content)}: ${line}`);
  return line;
}

/** `config.txt:3: …`, or without the number for the file as a whole. */
function printProblem({ line, message }: ConfigProblem): string {
  return line === 0 ? message : `config.txt:${line}: ${message}`;
}

/** The line, or what is wrong with it. */
function readLine(content: string): ConfigLine | string {
  if (content.endsWith("\r")) return "ends with a carriage return: save the file with Unix line ends (LF)";
  if (!/^[ -~]*$/.test(content)) return "has a character that is not printable ASCII: boards may drop what follows";
  if (content.startsWith("#")) return { kind: "comment", text: content.slice(1).replace(/^ /, "") };
  if (content.trim() !== content) return "has spaces at its beginning or end, which boards do not skip: remove them";

  const filter = /^\[([^\]]+)\]$/.exec(content)?.[1];
  if (filter !== undefined) return { kind: "filter", name: filter };

  if (/^include([ =]|$)/.test(content)) {
    return "the bootloader in the EEPROM does not follow include: write the lines of that file here";
  }
  if (/^initramfs([ =]|$)/.test(content)) return readInitramfs(content);

  const [, name, value] = /^([^=]*)=(.*)$/.exec(content) ?? [];
  if (name === undefined || value === undefined) return "is not a setting: write name=value";
  if (!/^[A-Za-z0-9_:.-]+$/.test(name)) return `${JSON.stringify(name)} cannot be a name: write name=value, no spaces`;
  if (value.startsWith(" ")) return "has a space after the =, which boards take as part of the value: remove it";
  return { kind: "setting", name, value };
}

function readInitramfs(content: string): ConfigLine | string {
  const [, files, address] = /^initramfs ([^ =]+) ([^ ]+)$/.exec(content) ?? [];
  if (files === undefined || files.split(",").includes("")) {
    return "initramfs is written without =: initramfs FILE[,FILE…] followkernel";
  }
  if (address !== "followkernel" && address !== "0") return "place the initramfs with the word followkernel";
  return { kind: "initramfs", files: files.split(",") };
}

/** Throws if a board would read the line as something else, as it would with a line break in a value. */
function printChecked(line: ConfigLine): string {
  const content = printLine(line);
  const read = readLine(content);
  if (typeof read === "string") throw new Error(`config.txt: ${JSON.stringify(content)} ${read}`);
  if (!isDeepStrictEqual(read, line)) {
    throw new Error(`config.txt: ${JSON.stringify(content)} would be read as ${JSON.stringify(read)}`);
  }
  return content;
}

function printLine(line: ConfigLine): string {
  switch (line.kind) {
    case "setting":
      return `${line.name}=${line.value}`;
    case "initramfs":
      return `initramfs ${line.files.join(",")} followkernel`;
    case "filter":
      return `[${line.name}]`;
    case "comment":
      return line.text === "" ? "#" : `# ${line.text}`;
  }
}
