import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import type { SenderConnection } from "../transport/connection.ts";
import { connect } from "../transport/ssh.ts";
import { required, requiredTarget } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { type K3sBundle, k3sLibrary } from "./k3s-spec.ts";

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;

/** Has a guest keep a release of k3s ready, so that no time goes by with that when its turn comes to run it. */
export async function bringBundle(): Promise<string> {
  const spec: K3sBundle = JSON.parse(required("k3sBundle"));
  const guest = requiredTarget("guest");
  const connection = await connect(guest, required("sshKey"), { patience: reachPatience });
  try {
    await ensureBundle(connection, guest.name, spec);
    return `${guest.name} has k3s ${spec.version} at hand`;
  } finally {
    connection.close();
  }
}

/**
 * Has a guest have a release of k3s, unpacked beside the one that runs.
 * @throws Error when the bundle is not on this machine, or arrives with another hash.
 */
export async function ensureBundle(connection: SenderConnection, name: string, spec: K3sBundle): Promise<void> {
  const there = await onGuest(connection, {
    what: `looking for k3s ${spec.version} on ${name}`,
    scripts: ["k3s-bundle"],
    args: [spec.version],
  });
  const { file, sha256 } = spec.bundle;
  if (there === sha256) return;
  console.log(`${name} gets k3s ${spec.version}`);
  await access(file).catch(() => {
    throw new Error(
      `k3s ${spec.version} is pinned but not on this machine (${file}): get it with npm run bramble -- artifacts fetch`,
    );
  });
  const what = `bringing k3s ${spec.version} to ${name}`;
  await onGuest(connection, { what, scripts: ["k3s-library"] });
  const archive = `${k3sLibrary}/incoming.tar`;
  await connection.send(createReadStream(file), archive);
  await onGuest(connection, { what, scripts: ["k3s-unpack"], args: [spec.version, sha256, archive] });
}
