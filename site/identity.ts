import { createHash } from "node:crypto";
import type { Mac, Uuid } from "./model.ts";

/** What makes a VM the same machine for ever: derived from the site's and its own name, so it outlives every rebuild. */

/** The name space of Bramble's UUIDs (RFC 9562 §5.5), a random one. */
export const uuidNamespace = "6f1c3b0e-5b0a-4f0c-9a43-2c8e7d1f9b52";

/**
 * A MAC address with QEMU's first bytes 52:54, which are in the locally administered range; 32 bits come from the
 * names. QEMU's usual third byte 00 is used too: with 24 bits, two of 4,000 VMs would share one in every third site.
 */
export function vmMac(site: string, vm: string): Mac {
  const hash = createHash("sha256").update(`mac/${site}/${vm}`).digest("hex");
  return `52:54:${(hash.slice(0, 8).match(/../g) ?? []).join(":")}` as Mac;
}

/** A name-based UUID (version 5): `uuidgen --sha1 --namespace 6f1c3b0e-… --name SITE/VM` gives the same. */
export function vmUuid(site: string, vm: string): Uuid {
  const namespace = Buffer.from(uuidNamespace.replaceAll("-", ""), "hex");
  const bytes = createHash("sha1").update(namespace).update(`${site}/${vm}`).digest();
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-") as Uuid;
}

/** What is written into a domain, so that whoever finds it knows whose it is. `siteId` is that of site/keys.ts. */
export function ownerMark(site: string, siteId: string): string {
  return `Bramble site ${site} ${siteId}`;
}
