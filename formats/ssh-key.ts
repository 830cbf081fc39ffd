import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** An ed25519 key pair in the forms that OpenSSH reads. */
export interface SshKeyPair {
  /** PEM text, `-----BEGIN OPENSSH PRIVATE KEY-----`; secret. */
  readonly privateKey: string;
  /** One line without comment, `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
}

const keyType = "ssh-ed25519";
/** The fixed start of an ed25519 private key in PKCS #8, before the 32 bytes of the seed (RFC 8410 §7). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
/** The length of a SubjectPublicKeyInfo's end that is the raw public key (RFC 8410 §4). */
const rawPublicKeyBytes = 32;

/**
 * The key pair of a 32 byte seed. The same seed gives the same text, byte by byte, so that a preview knows it.
 * Format: OpenSSH's PROTOCOL.key; the check number there, random by custom, is taken from a hash of the seed.
 */
export function sshKeyPair(seed: Uint8Array): SshKeyPair {
  const privateKey = ed25519PrivateKey(seed);
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-rawPublicKeyBytes);
  const blob = Buffer.concat([lengthPrefixed(keyType), lengthPrefixed(raw)]);
  const check = createHash("sha256").update("openssh-check").update(seed).digest().subarray(0, 4);
  const secretPart = padded(
    Buffer.concat([
      check,
      check,
      blob,
      lengthPrefixed(Buffer.concat([seed, raw])),
      lengthPrefixed(""), // comment
    ]),
  );
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    lengthPrefixed("none"), // cipher
    lengthPrefixed("none"), // key derivation
    lengthPrefixed(""), // its options
    uint32(1), // number of keys
    lengthPrefixed(blob),
    lengthPrefixed(secretPart),
  ]);
  const lines = body.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${keyType} ${blob.toString("base64")}`,
  };
}

/** The key of a 32 byte seed, to sign with. */
export function ed25519PrivateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
}

/** The fingerprint that `ssh-keygen -l` prints: `SHA256:` and base64 without padding. */
export function fingerprint(publicKey: string | Uint8Array): string {
  const blob = typeof publicKey === "string" ? publicKeyBlob(publicKey) : publicKey;
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The key's bytes as they go over the wire, from a line `TYPE BASE64 [comment]`. */
export function publicKeyBlob(line: string): Buffer {
  return Buffer.from(line.trim().split(/\s+/)[1] ?? "", "base64");
}

/** A line of a known_hosts file: one address, one key. */
export function knownHostsLine(address: string, publicKey: string): string {
  return `${address} ${publicKey}\n`;
}

/** A number as SSH writes it (RFC 4251 §5). */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string as SSH writes it: its length, then its bytes (RFC 4251 §5). */
export function lengthPrefixed(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Pads to the cipher's block of 8 bytes with 1, 2, 3 … as PROTOCOL.key asks. */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}
