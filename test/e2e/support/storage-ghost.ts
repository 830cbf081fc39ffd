import { until } from "../../../tools/lib/until.ts";
import type { DebianGuest } from "./debian-guest.ts";

/** A host that has died for everybody but itself: a real NFS client that goes on writing to a disk. */
export interface Ghost {
  /** Whether its last write came through. */
  writes(): Promise<boolean>;
  /** How many of its writes came through until now. */
  count(): Promise<number>;
}

/**
 * Starts one in a network namespace of the storage's own server, whose kernel is the only one at hand with an NFS
 * client. It has a file of the storage open, with a lock on it, as QEMU has.
 */
export async function startGhost(server: DebianGuest, address: string, path: string): Promise<Ghost> {
  await server.run(`
ip netns add ghost
ip link add g0 type veth peer name g1 netns ghost
ip link set g0 up
ip route add ${address}/32 dev g0
ip -n ghost link set lo up
ip -n ghost addr add ${address}/24 dev g1
ip -n ghost link set g1 up
mkdir -p /mnt/ghost
: >/run/ghost.log
cat >/run/ghost.sh <<'SCRIPT'
mount -t nfs4 -o rw,hard,vers=4.2 "$1" /mnt/ghost || exit 1
exec 8<>/mnt/ghost/data/disk
flock 8
while :; do
  if printf x >&8 2>/dev/null && sync /mnt/ghost/data/disk 2>/dev/null; then echo written; else echo refused; fi
  sleep 0.2
done
SCRIPT
setsid ip netns exec ghost sh /run/ghost.sh ${server.address}:${path} >/run/ghost.log 2>&1 </dev/null &`);
  const last = () => server.run("tail -n 1 /run/ghost.log");
  const ghost: Ghost = {
    writes: async () => (await last()) === "written",
    count: async () => Number(await server.run("grep -c written /run/ghost.log || true")),
  };
  await until("the ghost to write", () => ghost.writes(), { deadline: 60_000, every: 500 });
  return ghost;
}
