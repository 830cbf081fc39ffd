import { createHash, createPrivateKey, hkdfSync } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import {
  bitString,
  boolean,
  context,
  octetString,
  oid,
  sequence,
  setOf,
  unsigned,
  utcTime,
  utf8String,
} from "./der.ts";

/** A certificate authority: its certificate, and the key that signs for it. Texts in PEM. */
export interface CertificateAuthority {
  readonly certificate: string;
  /** Secret. */
  readonly privateKey: string;
}

/**
 * A self-signed certificate authority (RFC 5280) with a P-256 key. The same arguments give the same texts: the key is
 * made of the seed, and the signature has no chance in it (RFC 6979), so both are known before any machine exists.
 * @param seed 32 bytes or more, secret; another for each authority.
 * @param commonName 1 to 64 printable ASCII characters.
 * @throws Error that names the argument which can't be used.
 */
export function certificateAuthority(seed: Uint8Array, commonName: string): CertificateAuthority {
  if (seed.length < 32) throw new Error(`seed: ${seed.length} bytes are too few: give 32 or more`);
  if (!/^[\x20-\x7e]{1,64}$/.test(commonName))
    throw new Error(`commonName: ${JSON.stringify(commonName)} is not 1 to 64 printable ASCII characters`);
  const secret = secretKey(seed);
  const point = p256.getPublicKey(secret, false);
  const content = certificateContent(point, commonName);
  const signature = p256.sign(content, secret, { format: "der", lowS: false });
  const certificate = sequence(content, ecdsaWithSha256, bitString(signature));
  return { certificate: pem("CERTIFICATE", certificate), privateKey: privateKeyText(secret, point) };
}

/** The file would differ on the day that another date is chosen, and with it everything that is said of it. */
const validFrom = new Date("2020-01-01T00:00:00Z");
const validUntil = new Date("2049-12-31T23:59:59Z");

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const p256Key = sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"));

/** RFC 5280, section 4.1, TBSCertificate. */
function certificateContent(point: Uint8Array, commonName: string): Uint8Array {
  const name = sequence(setOf(sequence(oid("2.5.4.3"), utf8String(commonName))));
  // Method 1 of section 4.2.1.2. Both identifiers are this one, since it signs itself.
  const keyId = createHash("sha1").update(point).digest();
  // As long as section 4.1.2.2 allows, and other for each key and name.
  const serial = createHash("sha256").update(point).update(commonName).digest().subarray(0, 19);
  return sequence(
    context(0, "explicit", unsigned(Uint8Array.of(2))), // version 3
    unsigned(serial),
    ecdsaWithSha256,
    name,
    sequence(utcTime(validFrom), utcTime(validUntil)),
    name,
    sequence(p256Key, bitString(point)),
    context(
      3,
      "explicit",
      sequence(
        extension("2.5.29.14", octetString(keyId)),
        extension("2.5.29.35", sequence(context(0, "implicit", keyId))),
        extension("2.5.29.19", sequence(boolean(true)), true), // basic constraints: it is an authority
        extension("2.5.29.15", bitString(keyUsage, 1), true),
      ),
    ),
  );
}

/** Bits digitalSignature (0), keyCertSign (5) and cRLSign (6) of section 4.2.1.3; the last bit does not count. */
const keyUsage = Uint8Array.of(0b1000_0110);

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** A number below the order of the curve, from so many bytes that none is likelier than another (FIPS 186-5, A.2.1). */
function secretKey(seed: Uint8Array): Uint8Array {
  const bytes = hkdfSync("sha256", seed, "", "P-256", p256.lengths.seed ?? 48);
  return p256.utils.randomSecretKey(new Uint8Array(bytes));
}

/** Of the form `EC PRIVATE KEY` (RFC 5915), which k3s itself writes. */
function privateKeyText(secret: Uint8Array, point: Uint8Array): string {
  const number = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const key = createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: number(secret),
      x: number(point.subarray(1, 33)),
      y: number(point.subarray(33)),
    },
  });
  return key.export({ format: "pem", type: "sec1" }).toString();
}

function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
