import { type BrambleMount, mountsFile, storageMarker } from "../formats/bramble-mounts.ts";
import type { NfsExport } from "../formats/exports-file.ts";
import type { NetworkBoard, SharedStorage } from "../site/model.ts";

/**
 * What a board that boots over the network mounts, as the text of its etc/bramble/mounts; empty where it keeps nothing.
 * @param siteId public, from the site's secret: what tells its storages from those of a site of the same name
 */
export function storageMounts(
  storages: readonly SharedStorage[],
  { name, drive, lasting }: Pick<NetworkBoard, "name" | "drive" | "lasting">,
  siteId: string,
): string {
  const used = storages.find(({ clients }) => clients.some(({ host }) => host === name));
  const served = storages.find(({ server }) => server?.board === name)?.server?.driveFolder;
  const mounts: BrambleMount[] = [];
  if (drive !== undefined) mounts.push({ kind: "ext4", drive: drive.id, folder: served ?? drive.folder });
  if (used !== undefined) {
    const { name: storage, address, path, folder } = used;
    mounts.push({ kind: "nfs4", address, path, folder, marker: storageMarker(siteId, storage) });
  }
  // What a server keeps of its clients lies beside the storage, which is exported, and not in it.
  const kept = served === undefined ? lasting : drive && `${served}/lasting`;
  if (kept !== undefined) mounts.push({ kind: "lasting", folder: kept });
  return mountsFile(mounts);
}

/**
 * What a board that boots over the network and serves storages exports from the start: each to its hosts, in lines that
 * the steps of those hosts find again.
 */
export function storageExports(storages: readonly SharedStorage[], board: string, siteId: string): NfsExport[] {
  return storages
    .filter(({ server }) => server?.board === board)
    .flatMap((storage) =>
      storage.clients.map(({ host, address }) => ({
        ...storageExport(storage, address, siteId),
        note: `${storage.name} ${host}`,
      })),
    );
}

/** A storage as its server exports it to an address. */
export function storageExport(storage: SharedStorage, client: string, siteId: string): NfsExport {
  const { name, path, server } = storage;
  const store = storageMarker(siteId, name);
  return { path, clients: [client], store, ...(server?.driveFolder && { mountpoint: server.driveFolder }) };
}
