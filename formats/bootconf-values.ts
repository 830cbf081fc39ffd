import { bootOrderProblem, decodeBootOrder, encodeBootOrder, type Reading } from "./boot-order.ts";
import { type BootProperty, type BootPropertyName, type BootValue, bootProperties } from "./bootconf-properties.ts";

/** Lines are read as in config.txt: longer ones are cut (reference "Raspberry Pi boot" §1.1). */
export const longestLine = 97;

/** Of the values in TypeScript, for those that come from outside. */
const valueTypes = {
  flag: "boolean",
  integer: "number",
  choice: "number",
  bits: "number",
  words: "string",
  ipv4: "string",
  text: "string",
} as const satisfies Record<Exclude<BootProperty["kind"], "bootOrder">, string>;

/** The value as bootconf.txt has it. Throws where `bootValueProblem` finds one. */
export function printBootValue(name: BootPropertyName, value: BootValue): string {
  const problem = bootValueProblem(name, value);
  if (problem !== undefined) throw new Error(problem);
  return encode(bootProperties[name], value);
}

/** What is wrong with a value, such as a number out of range, with the property's name and what would be right. */
export function bootValueProblem(name: BootPropertyName, value: BootValue): string | undefined {
  const property: BootProperty = bootProperties[name];
  if (property.kind === "bootOrder") {
    const problem = Array.isArray(value)
      ? bootOrderProblem(value)
      : `${JSON.stringify(value)} is no list of boot modes`;
    return problem && `${name}: ${problem}`;
  }
  const type = valueTypes[property.kind];
  if (typeof value !== type) return `${name}=${value}: use ${type === "boolean" ? "true or false" : `a ${type}`}`;
  if (property.kind === "words" && !property.words.includes(String(value))) {
    return `${name}=${value}: use ${property.words.join(", ")}`;
  }
  const reading = readBootValue(name, encode(property, value));
  return "problem" in reading ? reading.problem : undefined;
}

/** The value that the text after `NAME=` stands for. */
export function readBootValue(name: BootPropertyName, text: string): Reading<BootValue> {
  const reading = decode(bootProperties[name], text);
  if ("problem" in reading) return { problem: `${name}=${text.slice(0, longestLine)}: ${reading.problem}` };
  const length = name.length + 1 + text.length;
  if (length <= longestLine) return reading;
  return { problem: `${name} and its value take ${length} characters; the bootloader reads ${longestLine} of a line` };
}

function encode(property: BootProperty, value: BootValue): string {
  if (Array.isArray(value)) return encodeBootOrder(value);
  switch (property.kind) {
    case "flag":
      return value === true ? "1" : "0";
    case "bits":
      return `0x${value.toString(16)}`;
    case "words":
      return String(property.words.indexOf(String(value)));
    default:
      return String(value);
  }
}

function decode(property: BootProperty, text: string): Reading<BootValue> {
  switch (property.kind) {
    case "bootOrder":
      return decodeBootOrder(text);
    case "flag":
      return text === "0" || text === "1" ? { value: text === "1" } : { problem: "use 0 or 1" };
    case "integer": {
      const { min, max, unit } = property;
      const value = Number(text);
      if (isInteger(text) && value >= min && value <= max) return { value };
      return { problem: `use a whole number from ${min} to ${max}${unit === undefined ? "" : ` ${unit}`}` };
    }
    case "choice": {
      const { numbers, unit } = property;
      if (isInteger(text) && numbers.includes(Number(text))) return { value: Number(text) };
      return { problem: `use one of ${numbers.join(", ")}${unit === undefined ? "" : ` ${unit}`}` };
    }
    case "bits": {
      const isNumber = /^0x[0-9a-f]{1,8}$/i.test(text) || (isInteger(text) && Number(text) >= 0);
      if (isNumber && Number(text) < 2 ** 32) return { value: Number(text) };
      return { problem: "use a number of 32 bits, such as 0x1" };
    }
    case "words": {
      const word = isInteger(text) ? property.words[Number(text)] : undefined;
      if (word !== undefined) return { value: word };
      const meanings = property.words.map((known, index) => `${index} (${known})`);
      return { problem: `use ${meanings.join(", ")}` };
    }
    case "ipv4":
      return isIpv4(text) ? { value: text } : { problem: "use an IPv4 address, such as 10.20.0.11" };
    case "text":
      return property.pattern.test(text) ? { value: text } : { problem: `use ${property.form}` };
  }
}

function isInteger(text: string): boolean {
  return /^(0|-?[1-9]\d{0,15})$/.test(text);
}

function isIpv4(text: string): boolean {
  const octets = text.split(".");
  return octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
}
