import { crc32, gunzipSync, inflateRawSync } from "node:zlib";
import { extract } from "tar-stream";

/**
 * Packages and indexes of apk are rows of gzip members, each with a tar: a signature, then what it signs (reference
 * alpine-boot.md 3.6). Hashes and signatures are over the compressed bytes as they stand, so that these are given.
 */
export interface SignedBytes {
  readonly signature: Signature;
  /** All behind the signature. */
  readonly rest: Buffer;
}

export interface Signature {
  /** `.SIGN.RSA.<key file>`, `.SIGN.RSA256.…` or `.SIGN.RSA512.…`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** The parts of a package, compressed. */
export interface PackageParts extends SignedBytes {
  readonly control: Buffer;
  readonly data: Buffer;
}

/** A file that is not what apk makes. */
export class ApkFormatError extends Error {
  override readonly name = "ApkFormatError";
}

/** What nothing comes near to: a full index has 20 MB, control data some kilobytes. */
const most = { signature: 100_000, control: 16_000_000, index: 500_000_000 };

/** Divides an index into its signature and the rest. @throws ApkFormatError */
export async function splitSigned(bytes: Buffer): Promise<SignedBytes> {
  if (bytes.subarray(0, 3).toString("latin1") === "ADB")
    throw new ApkFormatError("is in the format of apk 3 (ADB), and Alpine's mirrors have that of apk 2");
  const { raw, content } = firstMember(bytes, most.signature);
  const [found, ...others] = [...(await filesOf(content))];
  if (found === undefined || others.length > 0 || !found[0].startsWith(".SIGN."))
    throw new ApkFormatError("does not begin with a signature");
  const [name, signature] = found;
  return { signature: { name, bytes: signature }, rest: bytes.subarray(raw.length) };
}

/** Divides a package into its parts. @throws ApkFormatError */
export async function splitPackage(bytes: Buffer): Promise<PackageParts> {
  const signed = await splitSigned(bytes);
  const { raw } = firstMember(signed.rest, most.control);
  return { ...signed, control: raw, data: signed.rest.subarray(raw.length) };
}

/** A file out of a compressed tar; undefined where it is not in there. @throws ApkFormatError */
export async function fileInside(member: Buffer, path: string): Promise<Buffer | undefined> {
  try {
    return (await filesOf(gunzipSync(member, { maxOutputLength: most.index }))).get(path);
  } catch (error) {
    throw damaged(error);
  }
}

/** Of how many bytes the first gzip member is, zlib tells only for a bare stream: so its frame is read here (RFC 1952). */
function firstMember(bytes: Buffer, longest: number): { readonly raw: Buffer; readonly content: Buffer } {
  const begin = headerLength(bytes);
  try {
    // Types do not know that `info` gives the engine, which counts the bytes that it took.
    const { buffer, engine } = inflateRawSync(bytes.subarray(begin), {
      info: true,
      maxOutputLength: longest,
    }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
    const end = begin + engine.bytesWritten;
    if (
      bytes.length < end + 8 ||
      bytes.readUInt32LE(end) !== crc32(buffer) ||
      bytes.readUInt32LE(end + 4) !== buffer.length
    )
      throw new ApkFormatError("is damaged: a checksum does not fit");
    return { raw: bytes.subarray(0, end + 8), content: buffer };
  } catch (error) {
    throw damaged(error);
  }
}

function headerLength(bytes: Buffer): number {
  if (bytes.length < 18 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8)
    throw new ApkFormatError("is no gzip file");
  const flags = bytes[3] ?? 0;
  let length = 10;
  if (flags & 4) length += 2 + bytes.readUInt16LE(length); // extra field
  if (flags & 8) length = bytes.indexOf(0, length) + 1; // file name
  if (flags & 16) length = bytes.indexOf(0, length) + 1; // comment
  if (flags & 2) length += 2; // checksum of the header
  if (length < 10 || length > bytes.length) throw new ApkFormatError("is no gzip file");
  return length;
}

async function filesOf(tar: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const reading = extract();
  reading.end(tar);
  for await (const entry of reading) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    if (entry.header.type === "file") files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}

function damaged(error: unknown): Error {
  return error instanceof ApkFormatError ? error : new ApkFormatError(`is damaged: ${(error as Error).message}`);
}
