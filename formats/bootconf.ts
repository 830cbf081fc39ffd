import { bootOrderWarnings } from "./boot-order.ts";
import {
  type BootConf,
  type BootProperty,
  type BootPropertyName,
  type BootValue,
  bootProperties,
  isBootProperty,
  unknownProperty,
} from "./bootconf-properties.ts";
import { bootValueProblem, longestLine, printBootValue, readBootValue } from "./bootconf-values.ts";
import { type PiModel, piModels } from "./raspberry-pi.ts";

export type { BootMode } from "./boot-order.ts";
export type { BootConf } from "./bootconf-properties.ts";

/** TFTP_PREFIX_STR may have 32 characters; that the last of them counts is not proven (reference §1.3). */
const longestSafePrefix = 31;

/** What a text says, and what in it is wrong or not understood. */
export interface ParsedBootConf {
  readonly conf: BootConf;
  readonly problems: readonly BootConfProblem[];
}

export interface BootConfProblem {
  /** From 1. */
  readonly line: number;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/**
 * The text of bootconf.txt, with the properties in the table's order (reference "Raspberry Pi boot" §1.1). Throws for an
 * unknown property, or a value that the bootloader would not take. It has 3 lines at least: the official tools drop
 * a shorter file when they update a bootloader, and would put the stock settings in its place.
 */
export function printBootConf(conf: BootConf): string {
  const unknown = Object.keys(conf).find((name) => !isBootProperty(name));
  if (unknown !== undefined) throw new Error(unknownProperty(unknown));
  const lines = (Object.keys(bootProperties) as BootPropertyName[]).flatMap((name) => {
    const value = conf[name];
    return value === undefined ? [] : [`${name}=${printBootValue(name, value)}`];
  });
  const settings = lines.length === 0 ? ["# Everything has its default."] : lines;
  return `${["[all]", "# Written by Bramble; changes are overwritten.", ...settings].join("\n")}\n`;
}

/**
 * Reads bootconf.txt. A line with a problem is not in the result, and neither is one below a filter that is not true for
 * every board: the text says then more than `conf` does. Of a property that is set twice, the last counts.
 */
export function parseBootConf(text: string): ParsedBootConf {
  const values = new Map<BootPropertyName, { readonly line: number; readonly value: BootValue }>();
  const problems: BootConfProblem[] = [];
  let filter = "[all]";
  for (const [index, whole] of text.split("\n").entries()) {
    const line = index + 1;
    const report = (message: string) => problems.push({ line, message });
    const content = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    if (content !== whole) report("the line ends in CR LF; end lines in LF alone");
    const problem = lineProblem(content);
    if (problem !== undefined) report(problem);
    if (problem !== undefined || content.trim() === "" || content.startsWith("#")) continue;
    if (content.startsWith("[")) {
      filter = content;
      if (content === "[config.txt]") {
        report("everything from here on belongs to config.txt; put it into the config.txt of the board");
        break;
      }
      if (content !== "[all]")
        report(`the filter ${content} and what it governs are not understood; write one file per board`);
      continue;
    }
    if (filter !== "[all]") continue;
    const setting = readSetting(content);
    if ("problem" in setting) {
      report(setting.problem);
      continue;
    }
    const earlier = values.get(setting.name);
    if (earlier !== undefined) report(`${setting.name} is set in line ${earlier.line} already; remove one`);
    values.set(setting.name, { line, value: setting.value });
  }
  const conf: BootConf = Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
  return { conf, problems };
}

export interface BootConfCheck {
  /** What the bootloader would not take, or what would not work. */
  readonly problems: readonly BootConfFinding[];
  /** What will have no effect, or one that may surprise. */
  readonly warnings: readonly BootConfFinding[];
}

export interface BootConfFinding {
  readonly property: string;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/**
 * What is wrong with settings for a board of this model (reference "Raspberry Pi boot" §1.2, §1.3). `release` is the date
 * of the bootloader that will read them, such as `2026-05-17`; without it, nothing is said about its age.
 */
export function checkBootConf(conf: BootConf, model: PiModel, release?: string): BootConfCheck {
  const problems: BootConfFinding[] = [];
  const warnings: BootConfFinding[] = [];
  for (const [property, value] of Object.entries(conf)) {
    if (value === undefined) continue;
    if (!isBootProperty(property)) {
      problems.push({ property, message: unknownProperty(property) });
      continue;
    }
    const problem = bootValueProblem(property, value);
    if (problem !== undefined) problems.push({ property, message: problem });
    for (const message of strangerWarnings(property, model, release)) warnings.push({ property, message });
  }
  if (conf.BOOT_ORDER !== undefined && bootValueProblem("BOOT_ORDER", conf.BOOT_ORDER) === undefined) {
    for (const warning of bootOrderWarnings(conf.BOOT_ORDER, model, release)) {
      warnings.push({ property: "BOOT_ORDER", message: `BOOT_ORDER: ${warning}` });
    }
  }
  problems.push(...networkProblems(conf));
  warnings.push(...contextWarnings(conf, model));
  return { problems, warnings };
}

/** What is to be said of a property that this board or its bootloader does not know. */
function strangerWarnings(name: BootPropertyName, model: PiModel, release: string | undefined): readonly string[] {
  const { models, since }: BootProperty = bootProperties[name];
  const { chip, title } = piModels[model];
  const warnings: string[] = [];
  if (models !== undefined && !models.includes(model)) {
    const others = models.map((other) => piModels[other].title).join(", ");
    warnings.push(`${name} has no effect on a ${title}, only on: ${others}; remove it`);
  }
  const needed = typeof since === "object" ? since[chip] : since;
  if (needed !== undefined && release !== undefined && release < needed) {
    warnings.push(`${name} needs a bootloader of ${needed} or later, and this one is of ${release}`);
  }
  return warnings;
}

function networkProblems(conf: BootConf): readonly BootConfFinding[] {
  const problems: BootConfFinding[] = [];
  if (conf.TFTP_PREFIX === "fixed" && conf.TFTP_PREFIX_STR === undefined) {
    const message = 'TFTP_PREFIX is "fixed", but no text is fixed; set TFTP_PREFIX_STR, such as pi1/';
    problems.push({ property: "TFTP_PREFIX_STR", message });
  }
  const fixedAddress = (["CLIENT_IP", "SUBNET", "GATEWAY"] as const).find((name) => conf[name] !== undefined);
  for (const property of ["CLIENT_IP", "SUBNET", "TFTP_IP"] as const) {
    if (fixedAddress === undefined || conf[property] !== undefined) continue;
    const message = `${fixedAddress} is set without ${property}: the board asks DHCP all the same, unless CLIENT_IP, SUBNET and TFTP_IP are all set; set ${property}, or remove ${fixedAddress}`;
    problems.push({ property, message });
  }
  if (conf.SUBNET !== undefined && !isNetmask(conf.SUBNET)) {
    const message = `SUBNET=${conf.SUBNET} is no netmask; write it as 255.255.255.0`;
    problems.push({ property: "SUBNET", message });
  }
  return problems;
}

function contextWarnings(conf: BootConf, model: PiModel): readonly BootConfFinding[] {
  const { chip, title } = piModels[model];
  const warnings: BootConfFinding[] = [];
  const warn = (property: BootPropertyName, message: string) => warnings.push({ property, message });
  const prefix = conf.TFTP_PREFIX_STR;
  if (prefix !== undefined && conf.TFTP_PREFIX !== "fixed") {
    warn("TFTP_PREFIX_STR", 'TFTP_PREFIX_STR has no effect unless TFTP_PREFIX is "fixed"');
  } else if (prefix !== undefined && (!prefix.endsWith("/") || prefix.length > longestSafePrefix)) {
    const message = `TFTP_PREFIX_STR=${prefix} is put before the file's name as it is; end it with a slash, within ${longestSafePrefix} characters`;
    warn("TFTP_PREFIX_STR", message);
  }
  if (conf.FREEZE_VERSION === true) {
    const message =
      "FREEZE_VERSION=1 stops all later updates over the network, of settings too; only an SD card in the board undoes it";
    warn("FREEZE_VERSION", message);
  }
  if (conf.ENABLE_SELF_UPDATE === false) {
    const message =
      "ENABLE_SELF_UPDATE=0 stops all later updates over the network, of settings too; they need an SD card or a running system";
    warn("ENABLE_SELF_UPDATE", message);
  }
  if (conf.DISABLE_HDMI === true && (conf.NET_INSTALL_ENABLED === true || conf.NET_INSTALL_AT_POWER_ON === true)) {
    warn("DISABLE_HDMI", "DISABLE_HDMI=1 turns network install off, which is set to be on");
  }
  for (const property of ["HTTP_PORT", "HTTP_PATH"] as const) {
    if (conf[property] !== undefined && conf.HTTP_HOST === undefined) {
      warn(property, `${property} has no effect without HTTP_HOST`);
    }
  }
  if (conf.WAKE_ON_GPIO === 2 && model !== "pi400") {
    warn("WAKE_ON_GPIO", `WAKE_ON_GPIO=2 is for a Raspberry Pi 400, not for a ${title}; use 0 or 1`);
  }
  if (conf.POWER_OFF_ON_HALT === true && chip === "2711" && conf.WAKE_ON_GPIO !== 0) {
    warn("POWER_OFF_ON_HALT", "POWER_OFF_ON_HALT=1 has no effect here unless WAKE_ON_GPIO is 0");
  }
  const staysOn = conf.POWER_OFF_ON_HALT === undefined ? model === "pi5" : !conf.POWER_OFF_ON_HALT;
  if (conf.WAIT_FOR_POWER_BUTTON === true && chip === "2712" && staysOn) {
    warn("WAIT_FOR_POWER_BUTTON", "WAIT_FOR_POWER_BUTTON=1 has no effect unless POWER_OFF_ON_HALT is 1");
  }
  return warnings;
}

/** A netmask has no 1 behind a 0. */
function isNetmask(text: string): boolean {
  const bits = text.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0"));
  return /^1+0*$/.test(bits.join(""));
}

/** What is wrong with a line before its meaning is looked at. */
function lineProblem(line: string): string | undefined {
  if (/[^ -~]/.test(line)) {
    return "the line holds a character beyond printable ASCII, and the bootloader may drop the rest of the file; remove it";
  }
  if (line.length > longestLine) return `the line has ${line.length} characters; the bootloader reads ${longestLine}`;
  return undefined;
}

type Setting = { readonly name: BootPropertyName; readonly value: BootValue } | { readonly problem: string };

function readSetting(line: string): Setting {
  const equals = line.indexOf("=");
  if (equals < 0) return { problem: `${JSON.stringify(line)} is no setting; write NAME=value` };
  const name = line.slice(0, equals);
  const text = line.slice(equals + 1);
  if (name !== name.trim() || text !== text.trim()) {
    return { problem: `${name.trim()} has spaces before or after its name or value; write NAME=value without` };
  }
  if (name === "gpio") return { problem: "gpio= lines are not understood; set pins in the config.txt of the board" };
  if (!isBootProperty(name)) return { problem: unknownProperty(name) };
  if (text.includes("#"))
    return { problem: `${name} has a comment behind its value; give the comment a line of its own` };
  const reading = readBootValue(name, text);
  return "problem" in reading ? reading : { name, value: reading.value };
}
