import { required } from "./environment.ts";
import type { GuestFile } from "./guest-script.ts";

/** A person with an account on all nodes of a cluster. */
export interface Account {
  readonly name: string;
  /** The same on every node; the group has the same number. */
  readonly uid: number;
  /** Public keys; they log in on the controller. */
  readonly keys: readonly string[];
}

/** The files that every node of a Slurm cluster has. */
export function nodeFiles(): GuestFile[] {
  return [
    { path: "/etc/hosts", content: required("hosts") },
    { path: "/etc/chrony/chrony.conf", content: required("chronyConf") },
    {
      path: "/etc/munge/munge.key",
      content: Buffer.from(required("mungeKey"), "base64"),
      mode: "400",
      owner: "munge:munge",
    },
  ];
}

/** The first parameters of every Slurm script: see guest/slurm-node.sh. */
export function nodeArguments(homes: "yes" | "no"): string[] {
  const accounts: Account[] = JSON.parse(required("users"));
  const table = accounts.map(({ name, uid, keys }) => {
    const file = Buffer.from(keys.map((key) => `${key}\n`).join("")).toString("base64");
    return `${name} ${uid} ${file || "-"}`;
  });
  return [table.join("\n"), String(Math.round(Date.now() / 1000)), homes];
}
