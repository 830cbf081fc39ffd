import { globSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { isPoolOf, labDomains, labNetwork, labPool, labPoolPath } from "./belongings.ts";
import { tryVirsh, virsh, virshNames } from "./host/virsh.ts";
import { labStack } from "./stack.ts";

/**
 * Removes from this machine's libvirt what the lab with this id made and the engine's state no longer knows: a run
 * that was killed may have made a domain just before it could write it down. What is another site's is left alone.
 */
export async function removeLeftovers(id: string): Promise<string[]> {
  const removed: string[] = [];
  for (const domain of await labDomains(id, "--all")) {
    await tryVirsh("destroy", domain); // fails where it is off already
    await virsh("undefine", domain, "--nvram");
    removed.push(`domain ${domain}`);
  }
  if ((await virshNames("net-list", "--all")).includes(labNetwork)) {
    if ((await virsh("net-dumpxml", labNetwork)).includes(`'bv-${id}'`)) {
      await tryVirsh("net-destroy", labNetwork);
      await virsh("net-undefine", labNetwork);
      removed.push(`network ${labNetwork}`);
    }
  }
  const path = await labPoolPath();
  if (path !== undefined && isPoolOf(id, path)) {
    await tryVirsh("pool-destroy", labPool);
    await virsh("pool-undefine", labPool);
    await rm(path, { recursive: true, force: true });
    removed.push(`pool ${labPool} with ${path}`);
  }
  return removed;
}

/** Removes what libvirt keeps after a domain and a pool are gone: logs, and the folder of pools when it is empty. */
export async function removeTraces(): Promise<void> {
  for (const log of globSync(`/var/log/libvirt/qemu/${labStack}-*`)) await rm(log, { force: true });
  await rmdir(poolsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTEMPTY") throw error;
  });
}

/** Where a host keeps its pools unless its board says another `storage`; see site/schema.ts. */
const poolsFolder = "/var/lib/libvirt/bramble";
