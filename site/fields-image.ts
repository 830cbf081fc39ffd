import { text } from "./fields.ts";
import { type Parsed, show } from "./problem.ts";

/** The kinds of values in what boards have in their system. They end up in files that an early boot reads unforgivingly. */

/** A word of apk's world file (apk-world(5)): a name that may be excluded, tied to a version, or to a tagged repository. */
export const packageWord = () =>
  text(
    "bad-package",
    packagePattern,
    ["htop"],
    matching(packagePattern, "the name of a package", "htop, htop>3 or !htop"),
  );
/** A service of OpenRC; with an exclamation mark, one to leave out. */
export const serviceName = () =>
  text("bad-service", servicePattern, ["crond"], matching(servicePattern, "the name of a service", "crond or !crond"));
export const kernelModule = () =>
  text("bad-module", modulePattern, ["wireguard"], matching(modulePattern, "the name of a kernel module", "wireguard"));
export const sysctlKey = () =>
  text(
    "bad-sysctl",
    sysctlPattern,
    ["vm.swappiness"],
    matching(sysctlPattern, "a setting of the kernel", "vm.swappiness"),
  );
export const sysctlValue = () =>
  text("bad-sysctl", sysctlValuePattern, ["10"], matching(sysctlValuePattern, "a value of a setting", '"10"'));
export const filePath = (example: string) => text("bad-path", pathPattern, [example], parsePath);
/** Permissions, as a number. */
export const mode = () => text("bad-mode", modePattern, ["0644"], parseMode);

const packagePattern =
  "^!?[a-z0-9][A-Za-z0-9._+-]{0,79}(@[a-z0-9]{1,20})?((=|<|>|<=|>=|~)[0-9][A-Za-z0-9._~-]{0,39})?$";
const servicePattern = "^!?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";
const modulePattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";
const sysctlPattern = "^[a-z0-9_]+(\\.[A-Za-z0-9_-]+)+$";
const sysctlValuePattern = "^[A-Za-z0-9_.,:/-]([A-Za-z0-9_.,:/ -]{0,126}[A-Za-z0-9_.,:/-])?$";
const pathPattern = "^(/[A-Za-z0-9_.+-][A-Za-z0-9_.@+-]{0,99}){1,12}$";
const modePattern = "^0[0-7]{3}$";

function matching(pattern: string, what: string, example: string): (written: string) => Parsed<string> {
  return (written) =>
    new RegExp(pattern).test(written)
      ? { value: written }
      : { message: `${show(written)} is not ${what}`, hint: `write ${example}` };
}

function parsePath(path: string): Parsed<string> {
  if (new RegExp(pathPattern).test(path) && !path.split("/").some((part) => part === "." || part === ".."))
    return { value: path };
  const hint = "write a full path of letters, digits and . _ @ + - only, such as /etc/motd";
  return { message: `${show(path)} is not a path that can be used`, hint };
}

function parseMode(written: string): Parsed<number> {
  if (new RegExp(modePattern).test(written)) return { value: Number.parseInt(written, 8) };
  return {
    message: `${show(written)} is not a mode`,
    hint: 'write four octal digits in quotes: "0644", "0755", "0600"',
  };
}
