import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import type { SenderConnection } from "../transport/connection.ts";
import { onGuest } from "./guest-script.ts";
import { type K3sNodeSpec, k3sLibrary } from "./k3s-spec.ts";

/**
 * Sends a release of k3s to a guest and unpacks it beside the one that runs.
 * @throws Error when the bundle is not on this machine, or arrives with another hash.
 */
export async function sendBundle(connection: SenderConnection, name: string, spec: K3sNodeSpec): Promise<void> {
  const { file, sha256 } = spec.bundle;
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
