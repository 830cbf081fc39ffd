import { siteKeys } from "../../../site/keys.ts";
import { assembleStatus } from "../../../tools/status/assemble.ts";
import { gather } from "../../../tools/status/gather.ts";
import type { Status } from "../../../tools/status/model.ts";
import { siteOf } from "../../site/shelf.ts";

/** The keys of a site of tests. */
export function keysOf(text: string) {
  const { name, epochs } = siteOf(text);
  return siteKeys(Buffer.alloc(32, 7), name, epochs);
}

/** Asks the machines of a site, from a machine of a private LAN. */
export async function gatherOf(text: string, image: string): Promise<Status> {
  const site = siteOf(text);
  const planned = { generations: new Map([["pi1", "2222222222222222"]]), imageOf: () => image };
  return assembleStatus("home", site, planned, await gather(site, keysOf(text)));
}
