import { mkdir } from "node:fs/promises";
import { download, downloadText, findChecksum } from "../lib/download.ts";
import { run } from "../lib/run.ts";
import type { Workshop } from "./workshop.ts";

/** An archive that its maker publishes. */
export interface Release {
  archive: string;
  /** Where it is published; tried in this order. */
  addresses: readonly Address[];
  /** How many leading folders of the archive's paths are dropped. */
  strip: number;
}

/** A folder on a server that holds the archive. */
export interface Address {
  url: string;
  /** The file beside the archive that lists the SHA-256 of all archives, where there is one. */
  checksums?: string;
}

/**
 * Downloads a release and unpacks it into `folder`.
 * @returns in words, where it came from and how it was checked
 * @throws Error that says for each address why it did not work
 */
export async function unpackRelease(
  release: Release,
  folder: string,
  shop: Pick<Workshop, "reach" | "signal" | "say" | "makeTemp">,
): Promise<string> {
  const reasons: string[] = [];
  for (const address of release.addresses) {
    try {
      await shop.reach(new URL(address.url).origin, shop.signal);
      const sha256 = await publishedChecksum(address, release.archive, shop.signal);
      const url = `${address.url}/${release.archive}`;
      shop.say(`downloading from ${new URL(url).host}`);
      const archive = `${await shop.makeTemp("download")}/${release.archive}`;
      await download(url, archive, { sha256, signal: shop.signal });
      await unpack(archive, folder, release.strip, shop.signal);
      return `${url} (${sha256 === undefined ? "without a published checksum: only TLS vouches for it" : "SHA-256 checked"})`;
    } catch (error) {
      shop.signal.throwIfAborted();
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(reasons.join("; "));
}

async function publishedChecksum(address: Address, archive: string, signal: AbortSignal): Promise<string | undefined> {
  if (address.checksums === undefined) return undefined;
  const url = `${address.url}/${address.checksums}`;
  const list = await downloadText(url, signal);
  if (list === undefined) return undefined;
  const sha256 = findChecksum(list, archive);
  if (sha256 === undefined) throw new Error(`${url} does not list ${archive}`);
  return sha256;
}

async function unpack(archive: string, folder: string, strip: number, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  const options = [`--strip-components=${strip}`, "--no-same-owner"];
  await run(["tar", "-xzf", archive, "-C", folder, ...options], { signal, ownGroup: true });
}
