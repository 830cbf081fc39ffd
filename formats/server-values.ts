/** Values that stand in a configuration file: each is checked, so that none can end its line and begin another. */

/** An absolute path without characters that mean something in a configuration file. Throws, naming the field. */
export function checkedPath(field: string, path: string): string {
  if (/^(\/[A-Za-z0-9_.-]+)+$/.test(path) && !path.split("/").includes("..")) return path;
  throw new Error(
    `${field}: ${JSON.stringify(path)} cannot be used: give an absolute path of letters, digits and . _ -`,
  );
}

/** An IPv4 address. Throws, naming the field. */
export function checkedIpv4(field: string, address: string): string {
  const parts = address.split(".");
  if (parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) {
    return address;
  }
  throw new Error(`${field}: ${JSON.stringify(address)} is not an IPv4 address: write it as 10.20.0.1`);
}

/** A whole number within a range. Throws, naming the field. */
export function checkedNumber(field: string, number: number, least: number, most: number): number {
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${field}: ${number} cannot be used: give a whole number from ${least} to ${most}`);
}
