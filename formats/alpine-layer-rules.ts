import { nearest } from "../site/nearest.ts";
import { firstUid, groupId, groupNames, isStockUser, lastUid } from "./alpine-accounts.ts";
import { fileMistakes } from "./alpine-file-rules.ts";
import { moduleName, packageName, runlevels, takenAway } from "./alpine-layers.ts";
import { isServiceName } from "./alpine-services.ts";
import type { NamedLayer, SystemLayer, SystemUser } from "./alpine-system.ts";
import { shown } from "./alpine-wording.ts";

/** All that is wrong with one layer by itself, each with the layer and the key. */
export function layerMistakes({ name, layer }: NamedLayer): string[] {
  const found = [
    ...packageMistakes(layer),
    ...serviceNameMistakes(layer),
    ...fileMistakes(layer.files ?? {}),
    ...userMistakes(layer.users ?? []),
    ...sysctlMistakes(layer),
    ...moduleMistakes(layer),
  ];
  return found.map((mistake) => `${name}: ${mistake}`);
}

/** Users, also of different layers, that have one number, and users that have two. */
export function userConflicts(layers: readonly NamedLayer[]): string[] {
  const all = layers.flatMap(({ name: from, layer }) => (layer.users ?? []).map((user) => ({ ...user, from })));
  return all.flatMap(({ name, uid, from }, index) => {
    const before = all.slice(0, index);
    const namesake = before.find((user) => user.name === name && user.uid !== uid && user.from !== from);
    if (namesake !== undefined) {
      return [`${from}: users: ${shown(name)} has the uid ${uid}, and ${namesake.uid} in ${namesake.from}: give one`];
    }
    const other = before.find((user) => user.name !== name && user.uid === uid);
    if (other === undefined) return [];
    return [`${from}: users: ${shown(name)} has the uid ${uid} of ${shown(other.name)} (${other.from}): give another`];
  });
}

/** As apk takes them (reference "Alpine diskless" §2.3 #11). One word that it cannot read keeps it from installing anything. */
const packageWord = /^!?[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}((<=?|>=?|=~?|~=?)[0-9][A-Za-z0-9_.-]{0,49})?$/;
const moduleLine = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}( [A-Za-z0-9_.-]{1,64}=[A-Za-z0-9_.,:/-]{1,64})*$/;
const sysctlKey = /^[a-z0-9_]{1,32}([./][A-Za-z0-9_-]{1,32}){1,8}$/;
const sysctlValue = /^[!-~]([ -~\t]{0,254}[!-~])?$/;
const userName = /^[a-z_][a-z0-9_-]{0,30}$/;
const publicKeyLine =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]{32,}={0,2}( [ -~]{1,200})?$/;

function packageMistakes({ packages = [] }: SystemLayer): string[] {
  const wrong = packages.filter((word) => !packageWord.test(word));
  return [
    ...wrong.map((word) => {
      const tagged = /^[^@\s]+@[^@\s]+$/.test(word)
        ? "a tag needs a repository of its own, and boards have none: "
        : "";
      return `packages: ${shown(word)} is no word for apk: ${tagged}write a name, name=1.2, name>3 or !name`;
    }),
    ...twice(packages.filter((word) => packageWord.test(word)).map(packageName)).map((name) => {
      return `packages: ${name} is there twice: leave one word for it`;
    }),
  ];
}

function serviceNameMistakes({ services = {} }: SystemLayer): string[] {
  return Object.entries(services).flatMap(([runlevel, words]) => {
    if (!runlevels.some((known) => known === runlevel)) {
      const near = nearest(runlevel, runlevels);
      const guess = near === undefined ? "" : `did you mean ${near}? `;
      return [`services: ${shown(runlevel)} is no runlevel: ${guess}There are ${runlevels.join(", ")}`];
    }
    const names = words.map((word) => takenAway(word) ?? word);
    return [
      ...names
        .filter((name) => !isServiceName(name))
        .map((name) => `services.${runlevel}: ${shown(name)} is no name of a service: use letters, digits, - _ and .`),
      ...twice(names.filter((name) => isServiceName(name))).map((name) => {
        return `services.${runlevel}: ${name} is there twice: leave one word for it`;
      }),
    ];
  });
}

function userMistakes(users: readonly SystemUser[]): string[] {
  return [
    ...users.flatMap((user) => oneUserMistakes(user).map((mistake) => `users: ${shown(user.name)} ${mistake}`)),
    ...twice(users.map(({ name }) => name)).map((name) => `users: ${shown(name)} is there twice: make one of them`),
  ];
}

function oneUserMistakes({ name, uid, groups = [], keys = [], shell = "/bin/sh" }: SystemUser): string[] {
  if (!userName.test(name)) return ["is no name of a user: use up to 31 small letters, digits, - and _"];
  const found: string[] = [];
  if (name === "root" && uid !== 0) found.push(`has the uid ${uid}: root's is 0`);
  else if (name !== "root" && isStockUser(name)) found.push("is one of Alpine's own users: take another name");
  else if (name !== "root" && groupId(name) !== undefined)
    found.push("is one of Alpine's own groups: take another name");
  else if (name !== "root" && !(Number.isInteger(uid) && uid >= firstUid && uid <= lastUid)) {
    found.push(`has the uid ${uid}: give one from ${firstUid} to ${lastUid}`);
  }
  for (const group of groups) {
    if (groupId(group) !== undefined) continue;
    const near = nearest(group, groupNames());
    const guess = near === undefined ? `there are ${groupNames().join(", ")}` : `did you mean ${near}?`;
    found.push(`is in the group ${shown(group)}, which no image has: ${guess}`);
  }
  keys.forEach((key, index) => {
    // A key is not repeated in a message: it may be a private one.
    if (!publicKeyLine.test(key))
      found.push(`has as key ${index + 1} no line of authorized_keys: write "ssh-ed25519 AAAA… name"`);
  });
  if (!/^(\/[A-Za-z0-9._-]+){1,6}$/.test(shell) || shell.split("/").includes("..")) {
    found.push(`has the shell ${shown(shell)}: give a path as /bin/sh`);
  }
  return found;
}

function sysctlMistakes({ sysctls = {} }: SystemLayer): string[] {
  return Object.entries(sysctls).flatMap(([key, value]) => {
    if (!sysctlKey.test(key))
      return [`sysctls: ${shown(key)} is no name of a kernel setting: write it as net.ipv4.ip_forward`];
    if (sysctlValue.test(value)) return [];
    return [`sysctls: ${key}: ${shown(value)} cannot be a value: give one line of up to 256 ASCII characters`];
  });
}

function moduleMistakes({ modules = [] }: SystemLayer): string[] {
  return [
    ...modules
      .filter((line) => !moduleLine.test(line))
      .map((line) => `modules: ${shown(line)} is no module: write its name, and after it parameters as name=value`),
    ...twice(modules.map(moduleName)).map((name) => `modules: ${shown(name)} is there twice: leave one line for it`),
  ];
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
