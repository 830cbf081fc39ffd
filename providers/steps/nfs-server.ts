import { required } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { type NfsServerSpec, on, storageArguments } from "./storage-spec.ts";

/**
 * Makes a machine serve a storage: folder, marker, NFS server. Then takes the storage away from the hosts that are
 * lost; when it is done, none of them can write to a disk in it any more. Who may mount it, the step `host-storage`
 * says for each host.
 * @throws Error when the folder is another site's, in memory, or exported by others too.
 */
export async function configureNfsServer(): Promise<string> {
  const spec = specOf();
  const lost = spec.lost.map(({ host, address }) => `${host} ${address}`).join("\n");
  return on(spec.server, (connection) =>
    onGuest(connection, {
      what: `setting up the storage ${spec.name}`,
      scripts: ["nfs-storage", "nfs-server", "nfs-fence"],
      args: [...storageArguments(spec), spec.driveFolder ?? "-", lost],
    }),
  );
}

/** Exports it to nobody any more. What is in the folder stays, and so does the NFS server. */
export async function removeNfsServer(): Promise<string> {
  const spec = specOf();
  await on(spec.server, (connection) =>
    onGuest(connection, {
      what: `withdrawing the storage ${spec.name}`,
      scripts: ["nfs-storage", "nfs-server-remove"],
      args: storageArguments(spec),
    }),
  );
  return `${spec.name} is exported to nobody any more; what is in ${spec.path} was left alone`;
}

function specOf(): NfsServerSpec {
  const spec: NfsServerSpec = JSON.parse(required("storage"));
  return spec;
}
