import { until } from "../../tools/lib/until.ts";
import type { PrivateLan, Station } from "./private-lan.ts";

/** Where the files of a machine on a private LAN are, which share all others. */
export function machineFolder(name: string): string {
  return `/run/machines/${name}`;
}

export interface LanMachine {
  readonly name: string;
  readonly address: string;
  /** OpenSSH private key that its sshd shows. */
  readonly hostKey: string;
  /** Public key line of who may log in. */
  readonly authorizedKey: string;
  /** More lines for its sshd_config(5). */
  readonly settings: readonly string[];
}

/** Plugs a machine with a real sshd into a private LAN, and waits until that listens. */
export async function plugInMachine(lan: PrivateLan, machine: LanMachine): Promise<Station> {
  const { name, address, hostKey, authorizedKey, settings } = machine;
  const folder = machineFolder(name);
  await lan.write(`${folder}/host-key`, hostKey);
  await lan.write(`${folder}/authorized`, `${authorizedKey}\n`);
  const lines = [
    `ListenAddress ${address}`,
    `HostKey ${folder}/host-key`,
    `AuthorizedKeysFile ${folder}/authorized`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    ...settings,
  ];
  await lan.write(`${folder}/config`, `${lines.join("\n")}\n`);
  const station = await lan.plugIn({ name, address: `${address}/24` });
  await station.run(["sh", "-c", `chmod 600 ${folder}/host-key && /usr/sbin/sshd -f ${folder}/config`]);
  const listens = async () => (await station.run(["ss", "-Hltn", "sport = :22"])) !== "";
  await until(`sshd on ${name}`, listens, { deadline: 10_000 });
  return station;
}
