import type { Connection } from "../transport/connection.ts";
import { onGuest } from "./guest-script.ts";
import type { K3sNodeSpec } from "./k3s-spec.ts";

/** How long a disk takes to keep a record, in milliseconds. */
export interface DiskPace {
  readonly p99: number;
  readonly median: number;
}

/** 99 of 100 writes should be kept within 10 ms (https://etcd.io/docs/v3.5/faq/, "What does the etcd warning …"). */
const slow = 10;
/** Beyond this, leaders are lost under load: etcd counts on 10 ms, k3s on a heartbeat each 500 ms. */
const tooSlow = 50;

/** Measures the disk that the cluster's state is to be on; takes less than a second on one that is fit. */
export async function measureDisk(connection: Connection, name: string): Promise<DiskPace> {
  const pace: DiskPace = JSON.parse(
    await onGuest(connection, { what: `measuring the disk of ${name}`, scripts: ["k3s-fsync"] }),
  );
  return pace;
}

/**
 * What a disk's pace means for a server that begins.
 * @returns a sentence for the log
 * @throws Error when etcd would lose its leader again and again, and nobody said that this is meant
 */
export function judgeDisk(
  name: string,
  { p99, median }: DiskPace,
  { datastore, slowDisk }: Pick<K3sNodeSpec, "datastore" | "slowDisk">,
): string {
  const measured = `${name}'s disk keeps 99 of 100 writes within ${p99} ms (half of them within ${median} ms)`;
  if (p99 <= slow) return measured;
  if (p99 <= tooSlow || datastore === "sqlite")
    return `warning: ${measured}; etcd wants 10 ms, on a disk that is its own`;
  if (slowDisk !== undefined) return `warning: ${measured}, which is too slow for etcd, and is meant: ${slowDisk}`;
  throw new Error(
    `${measured}. etcd loses its leader at such times (over ${tooSlow} ms), so it was not started. Put the VM on a host ` +
      "with an SSD, or take one server, which needs no etcd (servers.count: 1). If it is meant, say why at the cluster " +
      "in the site file (slowDisk: WHY).",
  );
}
