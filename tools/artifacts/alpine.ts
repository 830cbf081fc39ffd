import { parseDocument } from "yaml";
import { z } from "zod";
import { findChecksum } from "../lib/download.ts";
import type { Release } from "./known.ts";
import { makers, type Upstream } from "./upstream.ts";

const flavor = "alpine-rpi";

/** An item of latest-releases.yaml, as far as it is used (reference alpine-boot.md 3.4). */
const itemSchema = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+(_rc\d+)?$/, "is no version"),
  date: z.iso.date("is no date"),
  size: z.string().regex(/^\d+$/, "is no number of bytes").transform(Number),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256"),
});
type Item = z.infer<typeof itemSchema>;

/**
 * A release of Alpine for Raspberry Pis: the newest, or the given one. The address is that of the branch, where each
 * release stays.
 * @param version such as 3.24.4
 * @throws Error when there is no such release, or the list is not what Alpine writes
 */
export async function alpineRelease(upstream: Upstream, version: string | undefined): Promise<Release> {
  const list = `${folderOf(version)}/latest-releases.yaml`;
  const text = await upstream.text(list);
  const newest = text === undefined ? undefined : readList(text, list);
  if (newest !== undefined && (version === undefined || newest.version === version)) {
    const url = `${folderOf(newest.version)}/${fileOf(newest.version)}`;
    const { sha256, date, size } = newest;
    return { version: newest.version, released: date, url, bytes: size, published: { kind: "sha256", hex: sha256 } };
  }
  if (version === undefined) throw new Error(`${list} ${text === undefined ? "is not there" : `has no ${flavor}`}`);
  return olderRelease(upstream, version);
}

/** A release that its branch's list no longer names has its checksum beside it. */
async function olderRelease(upstream: Upstream, version: string): Promise<Release> {
  const url = `${folderOf(version)}/${fileOf(version)}`;
  const sums = await upstream.text(`${url}.sha256`);
  if (sums === undefined) throw new Error(`Alpine has no ${flavor} ${version}: there is no ${url}.sha256`);
  const sha256 = findChecksum(sums, fileOf(version));
  if (sha256 === undefined) throw new Error(`${url}.sha256 does not name ${fileOf(version)}`);
  return { version, url, published: { kind: "sha256", hex: sha256 } };
}

/** The archive's item; the list has one of the same flavor for the disk image. */
function readList(text: string, list: string): Item | undefined {
  // Everything as text: a version, or a hash of digits and one e, must not become a number.
  const document = parseDocument(text, { schema: "failsafe" });
  const items = z.array(z.record(z.string(), z.unknown())).safeParse(document.toJS());
  if (document.errors.length > 0 || !items.success)
    throw new Error(`${list} is no list of releases; is the mirror a mirror of Alpine?`);
  const item = items.data.find((each) => each.flavor === flavor && String(each.file).endsWith(".tar.gz"));
  if (item === undefined) return undefined;
  const read = itemSchema.safeParse(item);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    throw new Error(`${list}: ${flavor}: ${problems.join(", ")}`);
  }
  if (item.file !== fileOf(read.data.version))
    throw new Error(`${list}: ${flavor} ${read.data.version} is called ${String(item.file)} there`);
  return read.data;
}

function fileOf(version: string): string {
  return `${flavor}-${version}-aarch64.tar.gz`;
}

function folderOf(version: string | undefined): string {
  return `${makers.alpine}/${version === undefined ? "latest-stable" : branchOf(version)}/releases/aarch64`;
}

/** The branch that a release is of: `v3.24`. */
export function branchOf(version: string): string {
  const branch = /^(\d+\.\d+)\.\d+(_rc\d+)?$/.exec(version)?.[1];
  if (branch === undefined) throw new Error(`Alpine's versions look like 3.24.4, not like ${JSON.stringify(version)}`);
  return `v${branch}`;
}
