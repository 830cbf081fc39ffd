import { createHash, createPublicKey, verify } from "node:crypto";
import { ApkFormatError, fileInside, splitPackage, splitSigned } from "./apk-container.ts";
import type { ApkPackage } from "./apk-index.ts";

/** Public keys (PEM) by their file names, which signatures name them by: `alpine-devel@…-58199dcc.rsa.pub`. */
export type ApkKeys = ReadonlyMap<string, string>;

/** Something that is not signed by one who is trusted, or not what was signed. */
export class ApkSignatureError extends Error {
  override readonly name = "ApkSignatureError";
}

/** Which hash a signature is over, by the beginning of its name. */
const digests = new Map([
  ["RSA", "sha1"],
  ["RSA256", "sha256"],
  ["RSA512", "sha512"],
]);

/**
 * The text of a signed index (APKINDEX.tar.gz), once its signature is checked.
 * @throws ApkSignatureError, ApkFormatError
 */
export async function verifiedIndex(bytes: Buffer, keys: ApkKeys): Promise<string> {
  const { signature, rest } = await splitSigned(bytes);
  checkSignature(signature.name, signature.bytes, rest, keys);
  const text = await fileInside(rest, "APKINDEX");
  if (text === undefined) throw new ApkFormatError("has no APKINDEX in it");
  // Only descriptions have more than ASCII, and nothing here reads those.
  return text.toString("latin1");
}

/**
 * Holds a package against the index that names it: its length, its control data by SHA-1, and its files by the SHA-256
 * that stands in the control data. That is what apk checks too: the index is signed, so that the package's own
 * signature says nothing more.
 * @throws ApkSignatureError, ApkFormatError
 */
export async function verifyPackage(bytes: Buffer, { checksum, size }: ApkPackage): Promise<void> {
  if (bytes.length !== size) throw new ApkSignatureError(`has ${bytes.length} bytes, and its index says ${size}`);
  const { control, data } = await splitPackage(bytes);
  const found = `Q1${createHash("sha1").update(control).digest("base64")}`;
  if (found !== checksum) throw new ApkSignatureError(`is ${found}, and its index says ${checksum}`);
  const info = (await fileInside(control, ".PKGINFO"))?.toString("utf8") ?? "";
  const wanted = /^datahash = ([0-9a-f]{64})$/m.exec(info)?.[1];
  if (wanted === undefined) throw new ApkFormatError("does not say what its files hash to");
  const got = createHash("sha256").update(data).digest("hex");
  if (got !== wanted) throw new ApkSignatureError(`has files with SHA-256 ${got}, and its control data says ${wanted}`);
}

/**
 * Checks the signature of a package or an index over the bytes that it signs: a package's control member, an index's
 * whole rest. @throws ApkSignatureError
 */
export function checkSignature(name: string, signature: Buffer, signed: Buffer, keys: ApkKeys): void {
  const [, variant = "", file = ""] = /^\.SIGN\.([A-Z0-9]+)\.([\w.@+-]+)$/.exec(name) ?? [];
  const digest = digests.get(variant);
  if (digest === undefined) throw new ApkSignatureError(`has a signature of a kind that is not known: ${name}`);
  const key = keys.get(file);
  if (key === undefined)
    throw new ApkSignatureError(`is signed with the key ${file}, which is not trusted; trusted: ${list(keys)}`);
  if (!verify(digest, signed, createPublicKey(key), signature))
    throw new ApkSignatureError(`is not what was signed with the key ${file}`);
}

function list(keys: ApkKeys): string {
  return keys.size === 0 ? "none" : [...keys.keys()].sort().join(", ");
}
