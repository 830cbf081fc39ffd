import type { SshPublicKey } from "./model.ts";
import { type Parsed, show } from "./problem.ts";

/** OpenSSH public keys: `type base64 [comment]` (sshd(8), AUTHORIZED_KEYS FILE FORMAT; RFC 4253 §6.6, RFC 8709). */

const keyTypes: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
  "ssh-rsa",
];
const fewestRsaBits = 2048;

/** Reads a key that opens a login. Options in front of it are refused; the comment is dropped. */
export function parseUserKey(text: string): Parsed<SshPublicKey> {
  const refused = { hint: 'paste one line of a .pub file: "ssh-ed25519 AAAA… name"' };
  if (/PRIVATE KEY/.test(text)) {
    return {
      message: "this is a private key",
      hint: "put the public half here, the .pub file; treat this key as leaked and make a new one",
    };
  }
  const trimmed = text.trim();
  if (/[\r\n]/.test(trimmed)) return { message: `${show(text)} is more than one line`, ...refused };
  const [type = "", blob = ""] = trimmed.split(/[ \t]+/);
  if (!keyTypes.includes(type)) {
    if (keyTypes.some((known) => trimmed.includes(`${known} `))) {
      return { message: `${show(text)} has options in front of the key`, hint: `begin the line with the key's type` };
    }
    const old =
      type === "ssh-dss" ? "DSA keys are no longer accepted by OpenSSH" : `${show(text)} is not an SSH public key`;
    return { message: old, ...refused };
  }
  const damage = damageOf(type, blob);
  if (damage !== undefined) return { message: `${show(text)} ${damage}`, ...refused };
  return { value: `${type} ${blob}` as SshPublicKey };
}

/** Reads the host key of a machine. Only Ed25519: it is the type that libvirt's SSH connection asks for first. */
export function parseHostKey(text: string): Parsed<SshPublicKey> {
  const hint = "run `npm run bramble -- host-key ADDRESS` and compare what it shows with the machine itself";
  const parsed = parseUserKey(text);
  if (!("value" in parsed)) return { message: parsed.message, hint };
  if (parsed.value.startsWith("ssh-ed25519 ")) return parsed;
  return { message: `${show(text)} is not an ssh-ed25519 key, the type that connections to libvirt check`, hint };
}

/** What is wrong with the key's data, or undefined. */
function damageOf(type: string, blob: string): string | undefined {
  const bytes = Buffer.from(blob, "base64");
  if (blob === "" || bytes.toString("base64") !== blob) return "is not complete: its base64 part is damaged";
  const fields = sshStrings(bytes);
  const [name, ...rest] = fields ?? [];
  if (fields === undefined || name === undefined) return "is not complete: its data is cut off";
  if (name.toString("latin1") !== type) return `says ${type}, but its data is ${show(name.toString("latin1"))}`;
  if (rest.length !== fieldsAfterName(type)) return "is not complete: its data is cut off";
  if (type === "ssh-ed25519" && rest[0]?.length !== 32) return "is not complete: an Ed25519 key has 32 bytes";
  if (type === "ssh-rsa" && bitsOf(rest[1]) < fewestRsaBits) {
    return `is an RSA key of ${bitsOf(rest[1])} bits; ${fewestRsaBits} are the least`;
  }
  return undefined;
}

function fieldsAfterName(type: string): number {
  if (type === "ssh-ed25519") return 1;
  return type === "sk-ecdsa-sha2-nistp256@openssh.com" ? 3 : 2;
}

/** Splits SSH's wire format, a row of byte strings with 32-bit lengths (RFC 4251 §5); undefined when it is cut off. */
function sshStrings(bytes: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 4 > bytes.length) return undefined;
    const end = offset + 4 + bytes.readUInt32BE(offset);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}

/** Bits of an mpint (RFC 4251 §5). */
function bitsOf(mpint: Buffer | undefined): number {
  const hex = (mpint ?? Buffer.alloc(0)).toString("hex").replace(/^0+/, "");
  return hex === "" ? 0 : hex.length * 4 - (Math.clz32(Number.parseInt(hex.slice(0, 1), 16)) - 28);
}
