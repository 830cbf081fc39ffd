import { required } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { on, type StorageOnServer, storageArguments } from "./storage-spec.ts";

/** What the variable `storage` holds for the step `k3s-storage`, as JSON. */
export interface PodStorageSpec extends StorageOnServer {
  readonly cluster: string;
  /** How many folders there are for volumes. */
  readonly volumes: number;
}

/** Makes the folders for a cluster's volumes on the NFS server and exports them to its nodes, which see nothing else. */
export async function exportPodStorage(): Promise<string> {
  const spec = specOf();
  return on(spec.server, (connection) =>
    onGuest(connection, {
      what: `giving ${spec.cluster} its part of the storage ${spec.name}`,
      scripts: ["nfs-storage", "nfs-pods"],
      args: [...storageArguments(spec), spec.cluster, required("exports"), String(spec.volumes)],
    }),
  );
}

/** Exports them to nobody any more; what pods wrote stays. */
export async function withdrawPodStorage(): Promise<string> {
  const spec = specOf();
  await on(spec.server, (connection) =>
    onGuest(connection, {
      what: `taking ${spec.cluster} its part of the storage ${spec.name}`,
      scripts: ["nfs-storage", "nfs-pods-withdraw"],
      args: [...storageArguments(spec), spec.cluster],
    }),
  );
  return `${spec.cluster} has ${spec.name} no more; what its pods wrote is in ${spec.path}/pods/${spec.cluster}`;
}

function specOf(): PodStorageSpec {
  const spec: PodStorageSpec = JSON.parse(required("storage"));
  return spec;
}
