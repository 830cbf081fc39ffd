import { createPublicKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApkKeys } from "../../formats/apk-signature.ts";
import type { AlpineArch } from "./known.ts";

/**
 * The keys whose signatures count: Alpine's own for the architecture, and those in files that the user names, under
 * their file names.
 * @throws Error for a file that is no public RSA key
 */
export async function trustedKeys(arch: AlpineArch, own: readonly string[]): Promise<ApkKeys> {
  const folder = fileURLToPath(new URL(`alpine-keys/${arch}`, import.meta.url));
  const alpine = (await readdir(folder)).map((name) => `${folder}/${name}`);
  const keys = new Map<string, string>();
  for (const file of [...alpine, ...own]) {
    const name = basename(file);
    const pem = await readFile(file, "utf8");
    if (!/^[\w.@+-]+\.rsa\.pub$/.test(name))
      throw new Error(`${file}: a key's file is called as in /etc/apk/keys: NAME.rsa.pub`);
    if (!isRsaKey(pem)) throw new Error(`${file} is no public RSA key in PEM, as abuild-keygen makes them`);
    const before = keys.get(name);
    if (before !== undefined && before !== pem) throw new Error(`${file} is another key than Alpine's of that name`);
    keys.set(name, pem);
  }
  return keys;
}

function isRsaKey(pem: string): boolean {
  try {
    return createPublicKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
