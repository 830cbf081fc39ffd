/** A word of the kernel's command line: `quiet`, or a name and its value: `["ip", "dhcp"]`. */
export type KernelParameter = string | readonly [name: string, value: string];

/** The firmware reads no more of the file, and puts words of its own before it (reference "Raspberry Pi boot" §5). */
const mostBytes = 1023;

/**
 * The text of cmdline.txt: one line, with a line feed at its end. Throws, with all that is wrong, if a parameter would
 * be read as something else.
 */
export function printCmdline(parameters: readonly KernelParameter[]): string {
  const problems = checkCmdline(parameters);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return `${printLine(parameters)}\n`;
}

/** What is wrong with parameters, each by name; the empty list if nothing is. */
export function checkCmdline(parameters: readonly KernelParameter[]): readonly string[] {
  const problems = parameters.flatMap((parameter) => checkParameter(parameter) ?? []);
  const bytes = Buffer.byteLength(printLine(parameters));
  if (bytes > mostBytes) {
    const longest = parameters.map(printParameter).reduce((a, b) => (b.length > a.length ? b : a), "");
    problems.push(
      `the kernel's command line has ${bytes} bytes, and boards take ${mostBytes}: shorten it; its longest parameter is ${nameOf(longest)} with ${Buffer.byteLength(longest)}`,
    );
  }
  return problems;
}

/** The parameters of a command line, split at white space as Alpine's initramfs does it. */
export function parseCmdline(text: string): KernelParameter[] {
  const words = text.split(/[ \t\r\n]+/).filter((word) => word !== "");
  return words.map((word) => {
    const at = word.indexOf("=");
    return at === -1 ? word : [word.slice(0, at), word.slice(at + 1)];
  });
}

function checkParameter(parameter: KernelParameter): string | undefined {
  const [name, value] = typeof parameter === "string" ? [parameter, undefined] : parameter;
  const shown = JSON.stringify(name);
  if (name === "") return `kernel parameter without a name, with the value ${JSON.stringify(value ?? "")}: give it one`;
  if (name.includes("=")) return `kernel parameter ${shown}: give name and value apart`;
  for (const [what, text] of [
    ["name", name],
    ["value", value ?? ""],
  ] as const) {
    if (/[\r\n]/.test(text)) {
      return `kernel parameter ${shown}: its ${what} has a line break, and boards ignore what follows: remove it`;
    }
    if (!/^[ -~]*$/.test(text)) {
      return `kernel parameter ${shown}: its ${what} has a character that is not printable ASCII: remove it`;
    }
    // The kernel takes spaces inside of quotes; Alpine's initramfs knows no quotes and would see further parameters.
    if (/[ "]/.test(text)) {
      return `kernel parameter ${shown}: its ${what} has a space or a quotation mark, which Alpine cannot read: remove it`;
    }
  }
  return undefined;
}

function printLine(parameters: readonly KernelParameter[]): string {
  return parameters.map(printParameter).join(" ");
}

function printParameter(parameter: KernelParameter): string {
  return typeof parameter === "string" ? parameter : `${parameter[0]}=${parameter[1]}`;
}

function nameOf(parameter: string): string {
  return parameter.split("=", 1)[0] ?? parameter;
}
