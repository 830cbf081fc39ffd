import { createHmac, sign } from "node:crypto";
import { ed25519PrivateKey, lengthPrefixed, publicKeyBlob, sshKeyPair, uint32 } from "./ssh-key.ts";

/** What a site's certificate authority says of a key. */
export interface SshCertificate {
  /** Whether it is a machine's or a person's. */
  readonly kind: "host" | "user";
  /** The key that is certified, as a line `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
  /** From 0 to 2^64 - 1. */
  readonly serial: bigint;
  /** What servers write into their logs when the certificate is used. */
  readonly keyId: string;
  /** The host names and addresses that it is for, or the users; at least one, since none would mean all. */
  readonly principals: readonly string[];
  /** In seconds since 1970; from the first of these on, and no more at the second. */
  readonly validAfter: number;
  readonly validBefore: number;
  /** What a user's certificate allows; a session without terminal is allowed by all. Hosts have none. */
  readonly extensions?: readonly UserExtension[];
}

export type UserExtension =
  | "permit-agent-forwarding"
  | "permit-port-forwarding"
  | "permit-pty"
  | "permit-user-rc"
  | "permit-X11-forwarding";

const certificateType = "ssh-ed25519-cert-v01@openssh.com";
const kinds = { user: 1, host: 2 } as const;
/** A terminal and forwarding, which libvirt's connections over SSH need. */
const usualExtensions: readonly UserExtension[] = ["permit-port-forwarding", "permit-pty"];
/** OpenSSH reads no more of them (SSHKEY_CERT_MAX_PRINCIPALS). */
const mostPrincipals = 256;

/**
 * A certificate signed by the key of an Ed25519 seed, as one line `ssh-ed25519-cert-v01@openssh.com AAAA…`. The same
 * arguments give the same text: the nonce, random by custom, is a keyed hash of what is certified.
 * Format: OpenSSH's PROTOCOL.certkeys. Throws, naming the field, if a value cannot stand in it.
 */
export function signCertificate(caSeed: Uint8Array, certificate: SshCertificate): string {
  const { kind, serial, keyId, principals, validAfter, validBefore } = checked(certificate);
  const { extensions = usualExtensions } = certificate;
  const granted = kind === "user" ? [...new Set(extensions)].sort() : [];
  const about = Buffer.concat([
    lengthPrefixed(rawPublicKey(certificate.publicKey)),
    uint64(serial),
    uint32(kinds[kind]),
    lengthPrefixed(keyId),
    lengthPrefixed(Buffer.concat(principals.map(lengthPrefixed))),
    uint64(BigInt(validAfter)),
    uint64(BigInt(validBefore)),
    lengthPrefixed(""), // critical options
    lengthPrefixed(Buffer.concat(granted.flatMap((name) => [lengthPrefixed(name), lengthPrefixed("")]))),
    lengthPrefixed(""), // reserved
    lengthPrefixed(publicKeyBlob(sshKeyPair(caSeed).publicKey)),
  ]);
  const nonce = createHmac("sha256", caSeed).update("ssh-certificate-nonce").update(about).digest();
  const signed = Buffer.concat([lengthPrefixed(certificateType), lengthPrefixed(nonce), about]);
  const signature = sign(undefined, signed, ed25519PrivateKey(caSeed));
  const whole = [signed, lengthPrefixed(Buffer.concat([lengthPrefixed(keyType), lengthPrefixed(signature)]))];
  return `${certificateType} ${Buffer.concat(whole).toString("base64")}`;
}

/**
 * A line of a known_hosts file: hosts that match one of the patterns show a certificate of this authority.
 * @param patterns host names and addresses, in which `*` and `?` stand for others.
 */
export function certAuthorityLine(caPublicKey: string, patterns: readonly string[]): string {
  const wrong = patterns.find((pattern) => !/^[A-Za-z0-9*?][A-Za-z0-9._:*?-]*$/.test(pattern));
  if (wrong !== undefined || patterns.length === 0)
    throw new Error(
      `patterns: ${JSON.stringify(wrong ?? patterns)} cannot be used: give host names or addresses such as pi1 or 10.20.0.*`,
    );
  rawPublicKey(caPublicKey);
  return `@cert-authority ${patterns.join(",")} ${caPublicKey}\n`;
}

const keyType = "ssh-ed25519";
const keyHeader = Buffer.concat([lengthPrefixed(keyType), uint32(32)]);

function checked(certificate: SshCertificate): SshCertificate {
  const { serial, keyId, principals, validAfter, validBefore } = certificate;
  if (serial < 0n || serial >= 2n ** 64n) throw new Error(`serial: ${serial} is not from 0 to 2^64 - 1`);
  if (!/^[\x20-\x7e]{1,255}$/.test(keyId))
    throw new Error(`keyId: ${JSON.stringify(keyId)} cannot be used: give 1 to 255 printable ASCII characters`);
  if (principals.length === 0 || principals.length > mostPrincipals)
    throw new Error(
      `principals: there are ${principals.length}: give 1 to ${mostPrincipals}, since none would mean all`,
    );
  const wrong = principals.find((name) => !/^[A-Za-z0-9_][A-Za-z0-9._:-]{0,254}$/.test(name));
  if (wrong !== undefined)
    throw new Error(
      `principals: ${JSON.stringify(wrong)} is neither a host name, an address nor a user's name (without * and ?)`,
    );
  for (const [field, time] of Object.entries({ validAfter, validBefore }))
    if (!Number.isSafeInteger(time) || time < 0) throw new Error(`${field}: ${time} is no whole number of seconds`);
  if (validBefore <= validAfter)
    throw new Error(`validBefore: ${validBefore} is not after validAfter (${validAfter}): it would never be valid`);
  return certificate;
}

/** The 32 bytes of a key line. */
function rawPublicKey(line: string): Buffer {
  const blob = publicKeyBlob(line);
  if (
    !/^ssh-ed25519 [A-Za-z0-9+/]+=*$/.test(line) ||
    blob.length !== keyHeader.length + 32 ||
    !blob.subarray(0, keyHeader.length).equals(keyHeader)
  )
    throw new Error(
      `publicKey: ${JSON.stringify(line)} is no Ed25519 key: write it as ssh-ed25519 AAAA…, without a comment`,
    );
  return blob.subarray(keyHeader.length);
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
